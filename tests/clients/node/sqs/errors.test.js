// What the door refuses is one of the SDK's own classes, with the code and the words of SQS.

import assert from 'node:assert/strict';

import {
  BatchEntryIdsNotDistinct,
  BatchRequestTooLong,
  EmptyBatchRequest,
  InvalidAttributeName,
  InvalidAttributeValue,
  InvalidBatchEntryId,
  InvalidMessageContents,
  QueueDoesNotExist,
  QueueNameExists,
  ReceiptHandleIsInvalid,
  ResourceNotFoundException,
  SQSServiceException,
  TooManyEntriesInBatchRequest,
} from '@aws-sdk/client-sqs';

import { entries, story } from './session.js';

/** Expects that `asked` is refused with this class, status, and words. */
async function refused(asked, kind, words, status = 400) {
  const error = await asked.then(() => assert.fail(`not refused: ${kind.name}`), (reason) => reason);
  assert.ok(error instanceof kind, `${error.name}: ${error.message}`);
  assert.match(error.message, words);
  assert.deepEqual([error.$metadata.httpStatusCode, error.$fault], [status, 'client']);
  return error;
}

story('a queue that does not exist', async (session, sqs) => {
  const queue = await session.queue();
  const QueueUrl = `${queue}-missing`;
  const words = /The specified queue does not exist/;
  const error = await refused(sqs.receiveMessage({ QueueUrl }), QueueDoesNotExist, words);
  assert.equal(error.name, 'QueueDoesNotExist');
  await refused(sqs.getQueueUrl({ QueueName: session.name('missing') }), QueueDoesNotExist, words);
  await refused(sqs.deleteQueue({ QueueUrl }), QueueDoesNotExist, words);
});

story('a queue that exists with other attributes', async (session) => {
  await session.queue('q', { DelaySeconds: '1' });
  const words = /different value for attribute DelaySeconds/;
  await refused(session.queue('q', { DelaySeconds: '2' }), QueueNameExists, words);
});

story('attributes that do not exist or have no such value', async (session) => {
  await refused(session.queue('a', { Colour: 'brown' }), InvalidAttributeName, /Colour/);
  await refused(session.queue('b', { DelaySeconds: '901' }), InvalidAttributeValue, /DelaySeconds/);
});

story('what a message may not contain', async (session) => {
  const queue = await session.queue();
  await refused(session.send(queue, 'b\u0000d'), InvalidMessageContents, /./);
  const long = 'x'.repeat(1024 * 1024 + 1);
  await refused(session.send(queue, long), SQSServiceException, /must be shorter than 1048576 bytes/);
  const empty = { empty: { DataType: 'String', StringValue: '' } };
  const words = /must contain a non-empty value of type 'String'/;
  await refused(session.send(queue, 'x', { MessageAttributes: empty }), SQSServiceException, words);
});

story('batches that are empty, too long, or named wrongly', async (session, sqs) => {
  const QueueUrl = await session.queue();
  const batch = (Entries) => sqs.sendMessageBatch({ QueueUrl, Entries });
  await refused(batch([]), EmptyBatchRequest, /at least one/i);
  await refused(batch(entries(...'abcdefghijk')), TooManyEntriesInBatchRequest, /You have sent 11/);
  const [entry] = entries('x');
  await refused(batch([entry, entry]), BatchEntryIdsNotDistinct, /e0/);
  await refused(batch([{ ...entry, Id: 'a b' }]), InvalidBatchEntryId, /alphanumeric/);
  const long = 'x'.repeat(600 * 1024);
  await refused(batch(entries(long, long)), BatchRequestTooLong, /You have sent 1228800 bytes/);
});

story('numbers that are out of bounds', async (session, sqs) => {
  const QueueUrl = await session.queue();
  const receive = (more) => sqs.receiveMessage({ QueueUrl, ...more });
  await refused(receive({ MaxNumberOfMessages: 11 }), SQSServiceException, /Must be between 1 and 10/);
  const error = await refused(receive({ WaitTimeSeconds: 21 }), SQSServiceException, /Must be >= 0 and <= 20/);
  assert.equal(error.name, 'InvalidParameterValue');
});

story('receipts that are none', async (session, sqs) => {
  const QueueUrl = await session.queue();
  const handle = { QueueUrl, ReceiptHandle: 'nonsense' };
  await refused(sqs.deleteMessage(handle), ReceiptHandleIsInvalid, /nonsense/);
  const change = { ...handle, VisibilityTimeout: 1 };
  await refused(sqs.changeMessageVisibility(change), ReceiptHandleIsInvalid, /nonsense/);
});

story('a redrive policy that names no queue, and a move from no queue', async (session, sqs) => {
  const queue = await session.queue();
  const missing = `${await session.arn(queue)}-missing`;
  const policy = JSON.stringify({ deadLetterTargetArn: missing, maxReceiveCount: 1 });
  await refused(session.queue('b', { RedrivePolicy: policy }), SQSServiceException, /does not exist/);
  const move = sqs.startMessageMoveTask({ SourceArn: missing });
  await refused(move, ResourceNotFoundException, /./, 404);
});
