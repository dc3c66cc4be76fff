// The life of a message: sent, received, held longer, given back, deleted; alone and in batches.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { bodies, entries, md5OfAttributes, story } from './session.js';

const numbered = (count) => Array.from({ length: count }, (_, number) => String(number));
const md5 = (text) => createHash('md5').update(text).digest('hex');

story('what is sent is received as it was, and the sums agree', async (session, sqs) => {
  const queue = await session.queue();
  const body = 'a <body>\r\n with ünï & 🐇 control \t';
  const attributes = {
    text: { DataType: 'String', StringValue: 'grün' },
    number: { DataType: 'Number.int', StringValue: '007' },
    bytes: { DataType: 'Binary.gzip', BinaryValue: new Uint8Array([0, 1, 254, 255]) },
  };
  const trace = { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1-2' } };
  const sent = await session.send(queue, body, { MessageAttributes: attributes, MessageSystemAttributes: trace });
  assert.equal(sent.MD5OfMessageBody, md5(body));
  assert.equal(sent.MD5OfMessageAttributes, md5OfAttributes(attributes));
  assert.equal(sent.MD5OfMessageSystemAttributes, md5OfAttributes(trace));

  const message = await session.waitReceive(queue);
  assert.deepEqual([message.Body, message.MessageId], [body, sent.MessageId]);
  assert.equal(message.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.deepEqual(message.MessageAttributes.text, attributes.text);
  assert.deepEqual(message.MessageAttributes.number, attributes.number);
  assert.deepEqual([...message.MessageAttributes.bytes.BinaryValue], [0, 1, 254, 255]);
  const { Attributes: system } = message;
  assert.deepEqual([system.ApproximateReceiveCount, system.AWSTraceHeader], ['1', 'Root=1-2']);
  assert.ok(Math.abs(Number(system.SentTimestamp) - Date.now()) < 60_000);

  await sqs.deleteMessage({ QueueUrl: queue, ReceiptHandle: message.ReceiptHandle });
  assert.equal(await session.attribute(queue, 'ApproximateNumberOfMessagesNotVisible'), '0');
});

story('attributes have the sums that SQS gives them', async (session) => {
  const queue = await session.queue();
  const known = [
    [{ attr1: { DataType: 'Number', StringValue: '99.12' } }, 'd302007e9aa062660afc85fd0a482472'],
    [{ MyAttribute: { DataType: 'String', StringValue: 'foobar' } }, 'adb59cd4678ea5a855436b949cd07ab6'],
  ];
  for (const [attributes, sum] of known) {
    const sent = await session.send(queue, 'x', { MessageAttributes: attributes });
    assert.equal(sent.MD5OfMessageAttributes, sum);
  }
});

story('only attributes that were asked for are shown', async (session) => {
  const queue = await session.queue();
  const one = { DataType: 'String', StringValue: '1' };
  await session.send(queue, 'x', { MessageAttributes: { 'a.1': one, 'a.2': one, b: one } });
  for (const [asked, shown] of [[['a.*'], ['a.1', 'a.2']], [['b'], ['b']], [[], []]]) {
    const message = await session.waitReceive(queue, { MessageAttributeNames: asked, VisibilityTimeout: 0 });
    assert.deepEqual(Object.keys(message.MessageAttributes ?? {}).sort(), shown);
  }
});

story('a body of one mebibyte', async (session) => {
  const queue = await session.queue();
  const body = 'x'.repeat(1024 * 1024);
  await session.send(queue, body);
  assert.ok((await session.waitReceive(queue)).Body === body);
});

story('an empty queue answers with no list', async (session, sqs) => {
  const answer = await sqs.receiveMessage({ QueueUrl: await session.queue() });
  assert.equal(answer.Messages, undefined);
});

story('a batch of ten is sent, received and deleted', async (session, sqs) => {
  const queue = await session.queue();
  const sent = await sqs.sendMessageBatch({ QueueUrl: queue, Entries: entries(...numbered(10)) });
  assert.equal(sent.Failed, undefined);
  assert.deepEqual(sent.Successful.map((entry) => entry.MD5OfMessageBody), numbered(10).map(md5));
  const messages = await session.receive(queue);
  assert.deepEqual(bodies(messages), numbered(10));
  const held = messages.map(({ ReceiptHandle }, number) => ({ Id: `m${number}`, ReceiptHandle }));
  const longer = held.map((entry) => ({ ...entry, VisibilityTimeout: 60 }));
  const changed = await sqs.changeMessageVisibilityBatch({ QueueUrl: queue, Entries: longer });
  assert.equal(changed.Successful.length, 10);
  const deleted = await sqs.deleteMessageBatch({ QueueUrl: queue, Entries: held });
  assert.equal(deleted.Successful.length, 10);
  assert.equal(await session.attribute(queue, 'ApproximateNumberOfMessagesNotVisible'), '0');
});

story('a bad entry of a batch fails alone', async (session, sqs) => {
  const queue = await session.queue();
  const sent = await sqs.sendMessageBatch({ QueueUrl: queue, Entries: entries('good', 'b\u0000d', 'fine') });
  assert.deepEqual(sent.Successful.map((entry) => entry.Id), ['e0', 'e2']);
  const [failed] = sent.Failed;
  assert.deepEqual([failed.Id, failed.Code, failed.SenderFault], ['e1', 'InvalidMessageContents', true]);
  const handles = [{ Id: 'bad', ReceiptHandle: 'nonsense' }];
  const deleted = await sqs.deleteMessageBatch({ QueueUrl: queue, Entries: handles });
  assert.deepEqual([deleted.Failed[0].Id, deleted.Failed[0].Code], ['bad', 'ReceiptHandleIsInvalid']);
});

story('a receive that waits gets what is sent meanwhile', async (session) => {
  const queue = await session.queue();
  const begun = Date.now();
  const waiting = session.waitReceive(queue);
  await sleep(400);
  await session.send(queue, 'now');
  assert.equal((await waiting).Body, 'now');
  assert.ok(Date.now() - begun < 5000);
});

story('a receive that is given up takes no message with it', async (session, sqs) => {
  const queue = await session.queue();
  const request = { QueueUrl: queue, WaitTimeSeconds: 20 };
  const gaveUp = sqs.receiveMessage(request, { abortSignal: AbortSignal.timeout(300) });
  await assert.rejects(gaveUp, { name: 'AbortError' });
  await sleep(200);
  await session.send(queue, 'kept');
  const message = await session.waitReceive(queue);
  assert.deepEqual([message.Body, message.Attributes.ApproximateReceiveCount], ['kept', '1']);
});

story('a message that is not deleted comes back and is counted', async (session) => {
  const queue = await session.queue('q', { VisibilityTimeout: '1' });
  await session.send(queue, 'again');
  const first = await session.waitReceive(queue);
  const second = await session.waitReceive(queue);
  assert.equal(second.Attributes.ApproximateReceiveCount, '2');
  assert.notEqual(second.ReceiptHandle, first.ReceiptHandle);
});

story('a message is held longer, and given back at once', async (session, sqs) => {
  const queue = await session.queue('q', { VisibilityTimeout: '2' });
  await session.send(queue, 'held');
  const { ReceiptHandle } = await session.waitReceive(queue);
  await sqs.changeMessageVisibility({ QueueUrl: queue, ReceiptHandle, VisibilityTimeout: 30 });
  await sleep(2200);
  assert.deepEqual(await session.receive(queue), []);
  await sqs.changeMessageVisibility({ QueueUrl: queue, ReceiptHandle, VisibilityTimeout: 0 });
  assert.equal((await session.receive(queue)).length, 1);
});

story('a message that is delayed comes when its time has come', async (session) => {
  const queue = await session.queue();
  const begun = Date.now();
  await session.send(queue, 'later', { DelaySeconds: 1 });
  assert.equal(await session.attribute(queue, 'ApproximateNumberOfMessagesDelayed'), '1');
  assert.deepEqual(await session.receive(queue), []);
  assert.equal((await session.waitReceive(queue)).Body, 'later');
  assert.ok(Date.now() - begun > 900);
});
