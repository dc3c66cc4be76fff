// sqs-consumer: the loop that most Node services have around the SDK.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { Consumer } from 'sqs-consumer';

import { until } from '../session.js';
import { bodies, entries, story } from './session.js';

/** Runs a consumer of `queue` while `tell` lasts, and stops it. */
async function consuming(session, queue, options, tell) {
  const consumer = Consumer.create({ queueUrl: queue, sqs: session.sqs, waitTimeSeconds: 5, ...options });
  const errors = [];
  consumer.on('error', (error) => errors.push(error));
  consumer.start();
  try {
    await tell(consumer);
  } finally {
    consumer.stop({ abort: true });
  }
  assert.deepEqual(errors, []);
}

/** Nothing is in the queue, be it ready or held. */
async function isEmpty(session, queue) {
  const held = await session.attribute(queue, 'ApproximateNumberOfMessagesNotVisible');
  return held === '0' && (await session.depth(queue)) === 0;
}

story('a message that is handled is deleted', async (session, sqs) => {
  const queue = await session.queue();
  const handled = [];
  const handleMessage = async (message) => {
    handled.push(message.Body);
    return message;
  };
  await consuming(session, queue, { handleMessage }, async () => {
    await sqs.sendMessageBatch({ QueueUrl: queue, Entries: entries('a', 'b', 'c') });
    await until(() => handled.length === 3, 'three messages');
    await session.send(queue, 'd');
    await until(() => handled.length === 4, 'one more message');
    await until(() => isEmpty(session, queue), 'an empty queue');
  });
  assert.deepEqual(handled, ['a', 'b', 'c', 'd']);
});

story('a message whose handler throws comes back, and ends among the dead letters', async (session) => {
  const [queue, dead] = await session.withDeadLetters(3);
  await session.send(queue, 'poison');
  await session.send(queue, 'good');
  const counts = [];
  const handled = [];
  const options = {
    messageSystemAttributeNames: ['ApproximateReceiveCount'],
    terminateVisibilityTimeout: true,
    handleMessage: async (message) => {
      if (message.Body === 'poison') {
        counts.push(message.Attributes.ApproximateReceiveCount);
        throw new Error('cannot be handled');
      }
      handled.push(message.Body);
      return message;
    },
  };
  await consuming(session, queue, options, async (consumer) => {
    const failures = [];
    consumer.on('processing_error', (error) => failures.push(error));
    await session.untilDepth(dead, 1);
    await until(() => handled.length === 1, 'the message behind');
    assert.equal(failures.length, 3);
  });
  assert.deepEqual(counts, ['1', '2', '3']);
  assert.deepEqual(bodies(await session.receive(dead)), ['poison']);
  assert.ok(await isEmpty(session, queue));
});

story('a batch consumer is handed ten at a time and deletes what it returns', async (session, sqs) => {
  const queue = await session.queue('q', { VisibilityTimeout: '3' });
  const all = Array.from({ length: 20 }, (_, number) => String(number));
  for (const half of [all.slice(0, 10), all.slice(10)]) {
    await sqs.sendMessageBatch({ QueueUrl: queue, Entries: entries(...half) });
  }
  const batches = [];
  const options = {
    batchSize: 10,
    // The first message is left alone once: it must come back.
    handleMessageBatch: async (messages) => {
      batches.push(bodies(messages));
      return batches.length === 1 ? messages.slice(1) : messages;
    },
  };
  await consuming(session, queue, options, async () => {
    await until(() => batches.flat().length === 21, '21 messages');
    await until(() => isEmpty(session, queue), 'an empty queue');
  });
  assert.deepEqual(batches, [all.slice(0, 10), all.slice(10), ['0']]);
});

story('a message that takes long is held by the consumer\'s heartbeat', async (session) => {
  const queue = await session.queue();
  await session.send(queue, 'slow');
  let begun = 0;
  let ended = 0;
  const options = {
    visibilityTimeout: 3,
    heartbeatInterval: 1,
    handleMessage: async (message) => {
      begun += 1;
      await sleep(4500);
      ended += 1;
      return message;
    },
  };
  await consuming(session, queue, options, async () => {
    await until(() => begun === 1, 'the message');
    await sleep(3500);
    assert.deepEqual(await session.receive(queue), [], 'nobody else gets it meanwhile');
    await until(() => ended === 1 && isEmpty(session, queue), 'an empty queue');
  });
  assert.equal(begun, 1);
});

story('a consumer that stops ends its work and takes no more', async (session) => {
  const queue = await session.queue();
  await session.send(queue, 'last');
  const handled = [];
  const handleMessage = async (message) => {
    await sleep(500);
    handled.push(message.Body);
    return message;
  };
  const options = { handleMessage, pollingCompleteWaitTimeMs: 10_000 };
  await consuming(session, queue, options, async (consumer) => {
    await once(consumer, 'message_received');
    const stopped = once(consumer, 'stopped');
    consumer.stop();
    await stopped;
    assert.deepEqual(handled, ['last']);
    await session.send(queue, 'after');
    await sleep(500);
  });
  assert.deepEqual(bodies(await session.receive(queue)), ['after']);
  assert.deepEqual(handled, ['last']);
});
