// Messages that are rejected, expire, do not fit, or fail too often.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { story, text, until } from './session.js';

/** Declares a queue whose dead letters go to the queue `dead`. */
async function withDeadLetters(session, args = {}) {
  const dead = await session.queue('dead');
  const to = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead };
  return [await session.queue('q', { ...to, ...args }), dead];
}

/** The first entry of x-death without its time, and the time apart. */
function death(message) {
  const { time, ...entry } = message.properties.headers['x-death'][0];
  assert.equal(time['!'], 'timestamp');
  return entry;
}

story('a rejected message is dead-lettered with its story', async (session) => {
  const [queue, dead] = await withDeadLetters(session);
  await session.send(queue, 'bad', { headers: { mine: 1 } });
  session.channel.reject(await session.waitGet(queue), false);
  const message = await session.waitGet(dead);
  assert.deepEqual(death(message), {
    count: 1,
    reason: 'rejected',
    queue,
    exchange: '',
    'routing-keys': [queue],
  });
  const { headers } = message.properties;
  assert.equal(headers.mine, 1);
  assert.equal(headers['x-first-death-reason'], 'rejected');
  assert.equal(headers['x-first-death-queue'], queue);
  assert.equal(headers['x-first-death-exchange'], '');
});

story('an expired message is dead-lettered and keeps its expiration in the story', async (session) => {
  const [queue, dead] = await withDeadLetters(session);
  await session.send(queue, 'late', { expiration: 50 });
  const message = await session.waitGet(dead);
  assert.deepEqual([death(message).reason, death(message)['original-expiration']], ['expired', '50']);
  assert.equal(message.properties.expiration, undefined);
});

story('the queue\'s time to live counts for every message', async (session) => {
  const [queue, dead] = await withDeadLetters(session, { 'x-message-ttl': 100 });
  await session.fill(queue, 3);
  await until(async () => (await session.depth(dead)) === 3, '3 dead letters');
  assert.deepEqual(await session.drain(dead), ['0', '1', '2']);
});

story('what does not fit drops out at the head', async (session) => {
  const [queue, dead] = await withDeadLetters(session, { 'x-max-length': 2 });
  await session.fill(queue, 4);
  assert.deepEqual(await session.drain(queue), ['2', '3']);
  const message = await session.waitGet(dead);
  assert.deepEqual([text(message), death(message).reason], ['0', 'maxlen']);
});

story('a poison message goes after its limit, and the queue behind it moves', async (session) => {
  const [queue, dead] = await withDeadLetters(session, { 'x-queue-type': 'quorum', 'x-delivery-limit': 3 });
  await session.send(queue, 'poison');
  await session.fill(queue, 5);
  await session.channel.prefetch(1);
  const counts = [];
  const served = [];
  await session.consume(queue, {}, session.channel, (message) => {
    if (text(message) === 'poison') {
      counts.push(message.properties.headers['x-delivery-count'] ?? 0);
      session.channel.reject(message, true);
    } else {
      served.push(text(message));
      session.channel.ack(message);
    }
  });
  const message = await session.waitGet(dead);
  assert.deepEqual([text(message), death(message).reason], ['poison', 'delivery_limit']);
  assert.deepEqual(counts, [0, 1, 2, 3]);
  await until(() => served.length === 5, 'the queue behind');
});

story('messages of higher priority come first', async (session) => {
  const queue = await session.queue('q', { 'x-max-priority': 10 });
  for (const priority of [1, 9, 5, 9]) {
    await session.send(queue, priority, { priority });
  }
  assert.deepEqual(await session.drain(queue), ['9', '9', '5', '1']);
});

story('an unused queue goes after its time', async (session) => {
  const queue = await session.queue('q', { 'x-expires': 200 });
  await sleep(1000);
  await session.refused(404, /NOT_FOUND/, (channel) => channel.checkQueue(queue));
});
