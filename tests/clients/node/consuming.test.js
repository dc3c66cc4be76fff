// Deliveries: settled, returned, limited, shared, cancelled.

import assert from 'node:assert/strict';

import { bodies, story, text, texts, until } from './session.js';

story('acknowledged messages are gone', async (session) => {
  const queue = await session.queue();
  await session.fill(queue, 3);
  const inbox = await session.consume(queue);
  const messages = await inbox.wait(3);
  assert.deepEqual(texts(messages), bodies(3));
  session.channel.ack(messages[2], true);
  await session.channel.cancel(inbox.tag);
  assert.deepEqual(await session.drain(queue), []);
});

for (const [verb, giveBack] of [
  ['nack', (channel, message) => channel.nack(message, false, true)],
  ['reject', (channel, message) => channel.reject(message, true)],
]) {
  story(`${verb} with requeue puts a message back in its place, redelivered`, async (session) => {
    const queue = await session.queue();
    await session.fill(queue, 3);
    const first = await session.waitGet(queue);
    assert.equal(first.fields.redelivered, false);
    giveBack(session.channel, first);
    const again = await session.waitGet(queue);
    assert.deepEqual([text(again), again.fields.redelivered], ['0', true]);
    session.channel.ack(again);
    assert.deepEqual(await session.drain(queue), ['1', '2']);
  });
}

story('ackAll and nackAll settle all that the channel holds', async (session) => {
  const queue = await session.queue();
  await session.fill(queue, 4);
  await session.channel.prefetch(2);
  const inbox = await session.consume(queue);
  await inbox.wait(2);
  session.channel.ackAll();
  await inbox.wait(4);
  await session.channel.cancel(inbox.tag);
  session.channel.nackAll(true);
  assert.deepEqual(await session.drain(queue), ['2', '3']);
});

story('recover returns all that the channel holds', async (session) => {
  const queue = await session.queue();
  await session.fill(queue, 2);
  await session.waitGet(queue);
  await session.waitGet(queue);
  await session.channel.recover();
  assert.deepEqual(await session.drain(queue), ['0', '1']);
});

story('a tag that was never given closes the channel', async (session) => {
  await session.refused(406, /PRECONDITION_FAILED - unknown delivery tag 9/, (channel) =>
    channel.ack({ fields: { deliveryTag: 9 } }),
  );
});

story('get from an empty queue gives nothing', async (session) => {
  assert.equal(await session.channel.get(await session.queue()), false);
});

for (const prefetch of [1, 10]) {
  story(`a prefetch of ${prefetch} is never passed`, async (session) => {
    const queue = await session.queue();
    await session.fill(queue, 15);
    await session.channel.prefetch(prefetch);
    const inbox = await session.consume(queue);
    await inbox.wait(prefetch);
    assert.equal((await inbox.quiet()).length, prefetch);
    session.channel.ack(inbox.messages[0]);
    assert.equal(text((await inbox.wait(prefetch + 1)).at(-1)), String(prefetch));
  });
}

story('a prefetch of 0 is no limit', async (session) => {
  const queue = await session.queue();
  await session.fill(queue, 500);
  await session.channel.prefetch(0);
  assert.deepEqual(texts(await (await session.consume(queue)).wait(500)), bodies(500));
});

story('a prefetch of the channel is shared by its consumers', async (session) => {
  const queues = [await session.queue('a'), await session.queue('b')];
  await session.channel.prefetch(3, true);
  for (const queue of queues) {
    await session.fill(queue, 5);
  }
  const inboxes = [await session.consume(queues[0]), await session.consume(queues[1])];
  const count = () => inboxes[0].messages.length + inboxes[1].messages.length;
  await until(() => count() >= 3, '3 messages');
  await inboxes[0].quiet();
  assert.equal(count(), 3);
});

story('two workers share the work evenly', async (session) => {
  const queue = await session.queue();
  const channels = [session.channel, await session.openChannel()];
  const inboxes = [];
  for (const channel of channels) {
    await channel.prefetch(1);
    inboxes.push(await session.consume(queue, {}, channel, (message) => channel.ack(message)));
  }
  for (const body of bodies(100)) {
    await session.send(queue, body);
  }
  await until(() => inboxes[0].messages.length + inboxes[1].messages.length === 100, 'all 100');
  assert.ok(Math.abs(inboxes[0].messages.length - 50) <= 10, `${inboxes[0].messages.length} of 100`);
});

story('a worker that dies with 10 messages gives back 10, in their places', async (session) => {
  const queue = await session.queue();
  await session.fill(queue, 15);
  const worker = await session.other();
  await worker.channel.prefetch(10);
  await (await worker.consume(queue)).wait(10);
  await worker.drop();
  await until(async () => (await session.depth(queue)) === 15, 'all 15 to be ready again');
  const messages = await (await session.consume(queue)).wait(15);
  assert.deepEqual(texts(messages), bodies(15));
  assert.deepEqual(messages.map((message) => message.fields.redelivered), bodies(15).map((body) => body < 10));
});

story('with noAck a dead worker\'s messages are lost', async (session) => {
  const queue = await session.queue();
  await session.fill(queue, 10);
  const worker = await session.other();
  await (await worker.consume(queue, { noAck: true })).wait(10);
  await worker.drop();
  assert.deepEqual(await session.drain(queue), []);
});

story('a cancelled consumer is sent nothing more', async (session) => {
  const queue = await session.queue();
  const inbox = await session.consume(queue, { consumerTag: 'mine' });
  assert.equal(inbox.tag, 'mine');
  await session.channel.cancel('mine');
  await session.send(queue, 'later');
  assert.deepEqual(await inbox.quiet(), []);
  assert.equal(await session.depth(queue), 1);
});

story('a consumer is told that its queue was deleted', async (session) => {
  const queue = await session.queue();
  const inbox = await session.consume(queue);
  await session.channel.deleteQueue(queue);
  await until(() => inbox.cancelled, 'the notice');
});

story('an exclusive consumer keeps others away', async (session) => {
  const queue = await session.queue();
  await session.consume(queue, { exclusive: true });
  await session.refused(403, /ACCESS_REFUSED/, (channel) => channel.consume(queue, () => {}));
});

story('a consumer of higher priority is served first', async (session) => {
  const queue = await session.queue();
  const low = await session.consume(queue, { priority: 1 });
  const high = await session.consume(queue, { priority: 5 });
  await session.fill(queue, 5);
  await high.wait(5);
  assert.deepEqual(await low.quiet(), []);
});

story('of many consumers a single one is active, and the next takes over', async (session) => {
  const queue = await session.queue('q', { 'x-single-active-consumer': true });
  const first = await session.consume(queue, { noAck: true });
  const second = await session.consume(queue, { noAck: true });
  await session.fill(queue, 3);
  await first.wait(3);
  assert.deepEqual(await second.quiet(), []);
  await session.channel.cancel(first.tag);
  await session.send(queue, 'next');
  assert.deepEqual(texts(await second.wait(1)), ['next']);
});

story('a request is answered over amq.rabbitmq.reply-to', async (session) => {
  const queue = await session.queue();
  const replies = await session.consume('amq.rabbitmq.reply-to', { noAck: true });
  await session.send(queue, 'ping', { replyTo: 'amq.rabbitmq.reply-to', correlationId: '1' });
  const server = await session.other();
  const request = await server.waitGet(queue);
  await server.send(request.properties.replyTo, 'pong', { correlationId: request.properties.correlationId });
  const [reply] = await replies.wait(1);
  assert.deepEqual([text(reply), reply.properties.correlationId], ['pong', '1']);
});

story('a new secret is accepted while the consumer goes on', async (session) => {
  const queue = await session.queue();
  const inbox = await session.consume(queue);
  await session.connection.updateSecret(Buffer.from('guest'), 'rotation');
  await session.send(queue, 'after');
  assert.deepEqual(texts(await inbox.wait(1)), ['after']);
});
