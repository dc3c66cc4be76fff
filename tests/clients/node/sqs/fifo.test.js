// FIFO queues: order within a group, one holder of a group at a time, duplicates.

import assert from 'node:assert/strict';

import { bodies, entries, story } from './session.js';

story('a duplicate is answered like the first, and is not there twice', async (session) => {
  const queue = await session.fifo();
  const more = { MessageGroupId: 'g', MessageDeduplicationId: 'once' };
  const first = await session.send(queue, 'first', more);
  const second = await session.send(queue, 'second', more);
  assert.equal(second.MessageId, first.MessageId);
  assert.match(first.SequenceNumber, /^\d{20}$/);
  assert.deepEqual(bodies(await session.receive(queue)), ['first']);
});

story('without an id the content tells a duplicate', async (session) => {
  const queue = await session.fifo();
  for (const body of ['a', 'b', 'a']) {
    await session.send(queue, body, { MessageGroupId: 'g' });
  }
  assert.deepEqual(bodies(await session.receive(queue)), ['a', 'b']);
});

story('a duplicate is one even after its first was deleted', async (session, sqs) => {
  const queue = await session.fifo();
  await session.send(queue, 'x', { MessageGroupId: 'g' });
  const { ReceiptHandle } = await session.waitReceive(queue);
  await sqs.deleteMessage({ QueueUrl: queue, ReceiptHandle });
  await session.send(queue, 'x', { MessageGroupId: 'g' });
  assert.deepEqual(await session.receive(queue), []);
});

story('a group has one holder at a time, and other groups go on', async (session, sqs) => {
  const queue = await session.fifo();
  for (const body of ['a1', 'a2', 'b1']) {
    await session.send(queue, body, { MessageGroupId: body[0] });
  }
  const first = await session.waitReceive(queue);
  const other = await session.waitReceive(queue);
  assert.deepEqual([first.Body, other.Body], ['a1', 'b1']);
  assert.deepEqual([first.Attributes.MessageGroupId, other.Attributes.MessageGroupId], ['a', 'b']);
  assert.deepEqual(await session.receive(queue), []);
  const waiting = session.waitReceive(queue);
  await sqs.deleteMessage({ QueueUrl: queue, ReceiptHandle: first.ReceiptHandle });
  assert.equal((await waiting).Body, 'a2');
});

story('a batch keeps its order and its sequence numbers rise', async (session, sqs) => {
  const queue = await session.fifo();
  const batch = entries('1', '2', '3').map((entry) => ({ ...entry, MessageGroupId: 'g' }));
  const { Successful } = await sqs.sendMessageBatch({ QueueUrl: queue, Entries: batch });
  const numbers = Successful.map((entry) => entry.SequenceNumber);
  assert.deepEqual(numbers, [...numbers].sort());
  const messages = await session.receive(queue);
  assert.deepEqual(bodies(messages), ['1', '2', '3']);
  assert.deepEqual(messages.map((message) => message.Attributes.SequenceNumber), numbers);
});

story('a receive that is tried again gets the same messages', async (session) => {
  const queue = await session.fifo();
  await session.send(queue, 'x', { MessageGroupId: 'g' });
  const attempt = { ReceiveRequestAttemptId: 'attempt-1' };
  const [first] = await session.receive(queue, attempt);
  const [again] = await session.receive(queue, attempt);
  assert.equal(again.ReceiptHandle, first.ReceiptHandle);
});

story('a receipt that is too late does not delete', async (session, sqs) => {
  const queue = await session.fifo('q', { VisibilityTimeout: '1' });
  await session.send(queue, 'x', { MessageGroupId: 'g' });
  const { ReceiptHandle } = await session.waitReceive(queue);
  await session.waitReceive(queue);
  await assert.rejects(sqs.deleteMessage({ QueueUrl: queue, ReceiptHandle }), /receipt handle has expired/);
});

story('a message without a group is refused', async (session) => {
  const queue = await session.fifo();
  await assert.rejects(session.send(queue, 'x'), /must contain the parameter MessageGroupId/);
});
