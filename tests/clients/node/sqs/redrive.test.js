// Messages that fail too often, and the way back from the dead-letter queue.

import assert from 'node:assert/strict';

import { until } from '../session.js';
import { bodies, entries, story } from './session.js';

/** Fills the dead-letter queue of a queue with these bodies; returns both URLs. */
async function deadLetters(session, ...texts) {
  const [queue, dead] = await session.withDeadLetters(1, { VisibilityTimeout: '0' });
  await session.sqs.sendMessageBatch({ QueueUrl: queue, Entries: entries(...texts) });
  await until(async () => {
    await session.receive(queue);
    return (await session.depth(dead)) === texts.length;
  }, 'all to be dead-lettered');
  return [queue, dead];
}

/** The newest task that moves messages away from a queue. */
async function newestTask(session, arn) {
  const { Results = [] } = await session.sqs.listMessageMoveTasks({ SourceArn: arn });
  return Results[0];
}

function untilTaskIs(session, arn, status) {
  return until(async () => (await newestTask(session, arn)).Status === status, `the task to be ${status}`);
}

story('what fails too often is in the dead-letter queue, and says where it is from', async (session, sqs) => {
  const [queue, dead] = await session.withDeadLetters(2, { VisibilityTimeout: '0' });
  const attributes = { a: { DataType: 'String', StringValue: '1' } };
  const sent = await session.send(queue, 'poison', { MessageAttributes: attributes });
  for (const count of ['1', '2']) {
    assert.equal((await session.waitReceive(queue)).Attributes.ApproximateReceiveCount, count);
  }
  assert.deepEqual(await session.receive(queue), []);
  const message = await session.waitReceive(dead);
  assert.deepEqual([message.Body, message.MessageId], ['poison', sent.MessageId]);
  assert.equal(message.MessageAttributes.a.StringValue, '1');
  assert.equal(message.Attributes.DeadLetterQueueSourceArn, await session.arn(queue));
  const sources = await sqs.listDeadLetterSourceQueues({ QueueUrl: dead });
  assert.deepEqual(sources.queueUrls, [queue]);
});

story('a move task takes messages back to where they are from', async (session, sqs) => {
  const [queue, dead] = await deadLetters(session, 'a', 'b', 'c');
  const source = await session.arn(dead);
  const { TaskHandle } = await sqs.startMessageMoveTask({ SourceArn: source });
  assert.ok(TaskHandle);
  await untilTaskIs(session, source, 'COMPLETED');
  const task = await newestTask(session, source);
  assert.deepEqual([task.ApproximateNumberOfMessagesMoved, task.TaskHandle], [3, undefined]);
  assert.deepEqual([await session.depth(queue), await session.depth(dead)], [3, 0]);
  assert.deepEqual(bodies(await session.receive(queue)).sort(), ['a', 'b', 'c']);
});

story('a move task that is slow can be cancelled, and another may not run beside it', async (session, sqs) => {
  const [, dead] = await deadLetters(session, 'a', 'b', 'c', 'd', 'e');
  const other = await session.queue('other');
  const request = { SourceArn: await session.arn(dead), DestinationArn: await session.arn(other) };
  const { TaskHandle } = await sqs.startMessageMoveTask({ ...request, MaxNumberOfMessagesPerSecond: 1 });
  await assert.rejects(sqs.startMessageMoveTask(request), /already a task running/);
  assert.equal((await newestTask(session, request.SourceArn)).TaskHandle, TaskHandle);
  await until(async () => (await session.depth(other)) > 0, 'a message to be moved');
  const { ApproximateNumberOfMessagesMoved: moved } = await sqs.cancelMessageMoveTask({ TaskHandle });
  assert.ok(moved < 5);
  await untilTaskIs(session, request.SourceArn, 'CANCELLED');
  assert.equal((await session.depth(other)) + (await session.depth(dead)), 5);
  assert.ok((await session.depth(dead)) > 0);
});
