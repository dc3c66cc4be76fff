// Confirms, returned messages, and what a message carries.

import assert from 'node:assert/strict';
import { once } from 'node:events';

import { bodies, story, text } from './session.js';

story('a confirmed message is in the queue', async (session) => {
  const queue = await session.queue();
  await session.send(queue, 'one');
  assert.equal(await session.depth(queue), 1);
});

story('waitForConfirms waits for all that was published', async (session) => {
  const queue = await session.queue();
  for (const body of bodies(1000)) {
    session.channel.sendToQueue(queue, Buffer.from(body), { persistent: true });
  }
  await session.channel.waitForConfirms();
  assert.deepEqual(await session.drain(queue), bodies(1000));
});

story('a full queue that rejects is a nack', async (session) => {
  const queue = await session.queue('q', { 'x-max-length': 1, 'x-overflow': 'reject-publish' });
  await session.send(queue, 'fits');
  await assert.rejects(session.send(queue, 'too many'));
  assert.deepEqual(await session.drain(queue), ['fits']);
});

story('a mandatory message that reaches no queue is returned and confirmed', async (session) => {
  const returned = once(session.channel, 'return');
  await session.publish('', session.name('missing'), 'nowhere', { mandatory: true, messageId: 'm' });
  const [message] = await returned;
  assert.deepEqual([message.fields.replyCode, message.fields.replyText], [312, 'NO_ROUTE']);
  assert.deepEqual([text(message), message.properties.messageId], ['nowhere', 'm']);
});

story('properties and headers come back as they were', async (session) => {
  const queue = await session.queue();
  const headers = {
    string: 'grün',
    number: 7,
    negative: -2,
    real: 1.5,
    large: 2 ** 40,
    yes: true,
    nothing: null,
    list: [1, 'two', { three: 3 }],
    table: { deep: { deeper: 'x' } },
    bytes: Buffer.from([0, 255]),
  };
  const properties = {
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    priority: 4,
    correlationId: 'c',
    replyTo: 'r',
    messageId: 'm',
    timestamp: 1_700_000_000,
    type: 't',
    appId: 'a',
  };
  await session.send(queue, '{}', { ...properties, headers });
  const message = await session.waitGet(queue);
  assert.deepEqual(message.properties.headers, headers);
  assert.equal(message.properties.deliveryMode, 2);
  for (const [key, value] of Object.entries(properties)) {
    assert.equal(message.properties[key], value, key);
  }
});

story('bodies of any size come back as they were', async (session) => {
  const queue = await session.queue();
  for (const size of [0, 1, 4096, 131_064, 131_065, 2 * 1024 * 1024]) {
    await session.send(queue, Buffer.alloc(size, 'leveret'));
    const message = await session.waitGet(queue);
    session.channel.ack(message);
    assert.ok(message.content.equals(Buffer.alloc(size, 'leveret')), `${size} bytes`);
  }
});

story('publishing to a missing exchange closes the channel', async (session) => {
  await session.refused(404, /NOT_FOUND - no exchange/, (channel) =>
    channel.publish(session.name('missing'), 'k', Buffer.from('x')),
  );
});

story('a copy for each queue named in CC and BCC', async (session) => {
  const [to, copy, blind] = [await session.queue('to'), await session.queue('cc'), await session.queue('bcc')];
  await session.send(to, 'x', { CC: [copy], BCC: [blind] });
  assert.deepEqual((await session.waitGet(copy)).properties.headers, { CC: [copy] });
  assert.deepEqual((await session.waitGet(blind)).properties.headers, { CC: [copy] });
  assert.deepEqual(await session.drain(to), ['x']);
});

story('another user\'s name is not accepted', async (session) => {
  const queue = await session.queue();
  await session.send(queue, 'mine', { userId: 'guest' });
  await session.refused(406, /PRECONDITION_FAILED/, (channel) =>
    channel.sendToQueue(queue, Buffer.from('x'), { userId: 'somebody' }),
  );
});
