// Queues, exchanges and bindings: declared, used, refused, deleted.

import assert from 'node:assert/strict';

import { story, text } from './session.js';

story('a queue is declared, purged and deleted', async (session) => {
  const queue = await session.queue();
  await session.fill(queue, 3);
  assert.deepEqual(await session.channel.purgeQueue(queue), { messageCount: 3 });
  await session.fill(queue, 2);
  assert.deepEqual(await session.channel.deleteQueue(queue), { messageCount: 2 });
  await session.refused(404, /NOT_FOUND - no queue/, (channel) => channel.checkQueue(queue));
});

story('the broker names a queue that has no name', async (session) => {
  const { queue } = await session.channel.assertQueue('', { exclusive: true });
  assert.match(queue, /^amq\.gen-/);
  await session.send(queue, 'x');
  assert.deepEqual(await session.drain(queue), ['x']);
});

story('a queue is not declared anew with other arguments', async (session) => {
  const queue = await session.queue('q', { 'x-max-length': 5 });
  await session.queue('q', { 'x-max-length': 5 });
  await session.refused(406, /PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue/, (channel) =>
    channel.assertQueue(queue, { maxLength: 6 }),
  );
  await session.refused(406, /inequivalent arg 'durable' for queue/, (channel) =>
    channel.assertQueue(queue, { durable: false, maxLength: 5 }),
  );
});

story('an exclusive queue is locked for others and goes with its connection', async (session) => {
  const owner = await session.other();
  const { queue } = await owner.channel.assertQueue(owner.name('mine'), { exclusive: true });
  await session.refused(405, /RESOURCE_LOCKED/, (channel) => channel.checkQueue(queue));
  await owner.connection.close();
  await session.refused(404, /NOT_FOUND/, (channel) => channel.checkQueue(queue));
});

story('a queue in use or not empty is not deleted where that was asked', async (session) => {
  const queue = await session.queue();
  await session.send(queue, 'x');
  await session.refused(406, /not empty/, (channel) => channel.deleteQueue(queue, { ifEmpty: true }));
  await session.consume(queue);
  await session.refused(406, /in use/, (channel) => channel.deleteQueue(queue, { ifUnused: true }));
});

const KINDS = [
  { kind: 'direct', key: 'k', hit: 'k', miss: 'l' },
  { kind: 'topic', key: 'orders.*.new', hit: 'orders.eu.new', miss: 'orders.new' },
  { kind: 'topic', key: 'orders.#', hit: 'orders', miss: 'order' },
  { kind: 'fanout', key: '', hit: 'anything', miss: null },
];

for (const { kind, key, hit, miss } of KINDS) {
  story(`a ${kind} exchange with the key '${key}'`, async (session) => {
    const [queue, exchange] = [await session.queue(), await session.exchange('x', kind)];
    await session.channel.bindQueue(queue, exchange, key);
    await session.publish(exchange, hit, 'hit');
    if (miss !== null) {
      await session.publish(exchange, miss, 'miss');
    }
    assert.deepEqual(await session.drain(queue), ['hit']);
    await session.channel.unbindQueue(queue, exchange, key);
    await session.publish(exchange, hit, 'unbound');
    assert.deepEqual(await session.drain(queue), []);
  });
}

story('a headers exchange matches all or any', async (session) => {
  const exchange = await session.exchange('x', 'headers');
  const [all, any] = [await session.queue('all'), await session.queue('any')];
  await session.channel.bindQueue(all, exchange, '', { 'x-match': 'all', kind: 'report', year: 2026 });
  await session.channel.bindQueue(any, exchange, '', { 'x-match': 'any', kind: 'report', year: 2026 });
  await session.publish(exchange, '', 'both', { headers: { kind: 'report', year: 2026 } });
  await session.publish(exchange, '', 'one', { headers: { kind: 'report', year: 2025 } });
  await session.publish(exchange, '', 'none', { headers: { kind: 'memo' } });
  assert.deepEqual(await session.drain(all), ['both']);
  assert.deepEqual(await session.drain(any), ['both', 'one']);
});

story('fanout to three queues is three independent copies', async (session) => {
  const exchange = await session.exchange('x', 'fanout');
  const queues = [await session.queue('a'), await session.queue('b'), await session.queue('c')];
  for (const queue of queues) {
    await session.channel.bindQueue(queue, exchange, '');
  }
  await session.publish(exchange, '', 'copy');
  session.channel.reject(await session.waitGet(queues[0]), false);
  assert.deepEqual(await session.drain(queues[0]), []);
  assert.deepEqual(await session.drain(queues[1]), ['copy']);
  assert.equal(await session.depth(queues[2]), 1);
});

story('an exchange bound to an exchange', async (session) => {
  const [source, target] = [await session.exchange('x', 'topic'), await session.exchange('y', 'fanout')];
  const queue = await session.queue();
  await session.channel.bindExchange(target, source, 'a.#');
  await session.channel.bindQueue(queue, target, '');
  await session.publish(source, 'a.b', 'through');
  await session.channel.unbindExchange(target, source, 'a.#');
  await session.publish(source, 'a.b', 'unbound');
  assert.deepEqual(await session.drain(queue), ['through']);
});

story('the alternate exchange gets what matches nothing', async (session) => {
  const rest = await session.exchange('rest', 'fanout');
  const exchange = await session.exchange('x', 'direct', { alternateExchange: rest });
  const queue = await session.queue();
  await session.channel.bindQueue(queue, rest, '');
  await session.publish(exchange, 'unknown', 'unmatched');
  const message = await session.waitGet(queue);
  assert.deepEqual([text(message), message.fields.exchange], ['unmatched', exchange]);
});

story('an exchange is deleted, and not found after', async (session) => {
  const exchange = await session.exchange('x', 'direct');
  await session.channel.checkExchange(exchange);
  await session.channel.deleteExchange(exchange);
  await session.refused(404, /NOT_FOUND - no exchange/, (channel) => channel.checkExchange(exchange));
});

story('names and kinds that the broker keeps to itself are refused', async (session) => {
  await session.refused(403, /ACCESS_REFUSED/, (channel) => channel.assertQueue('amq.mine'));
  await session.refused(403, /ACCESS_REFUSED/, (channel) => channel.assertExchange('amq.mine', 'direct'));
});
