// Queues themselves: made, found, changed, tagged, shared, emptied, deleted.

import assert from 'node:assert/strict';

import { paginateListQueues, QueueDoesNotExist } from '@aws-sdk/client-sqs';

import { story } from './session.js';

story('a queue is made once, found by name, and told of by its ARN', async (session, sqs) => {
  const queue = await session.queue();
  assert.equal(await session.queue(), queue);
  const found = await sqs.getQueueUrl({ QueueName: session.name() });
  assert.equal(found.QueueUrl, queue);
  assert.equal(await session.arn(queue), `arn:aws:sqs:eu-west-1:000000000000:${session.name()}`);
});

story('queues are listed by prefix, page by page', async (session, sqs) => {
  const made = [];
  for (const suffix of ['list-1', 'list-2', 'list-3', 'other']) {
    made.push(await session.queue(suffix));
  }
  const pages = [];
  const request = { QueueNamePrefix: session.name('list-') };
  for await (const page of paginateListQueues({ client: sqs, pageSize: 2 }, request)) {
    pages.push(page.QueueUrls ?? []);
  }
  assert.deepEqual(pages.flat().sort(), made.slice(0, 3));
  assert.ok(pages.length >= 2);
});

story('a list of nothing is no list', async (session, sqs) => {
  assert.equal((await sqs.listQueues({ QueueNamePrefix: session.name('missing') })).QueueUrls, undefined);
});

story('attributes have their defaults and can be changed', async (session, sqs) => {
  const queue = await session.queue('q', { DelaySeconds: '3' });
  const changes = { VisibilityTimeout: '7', MaximumMessageSize: '2048' };
  await sqs.setQueueAttributes({ QueueUrl: queue, Attributes: changes });
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl: queue, AttributeNames: ['All'] });
  const expected = { ...changes, DelaySeconds: '3', MessageRetentionPeriod: '345600' };
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(Attributes[name], value, name);
  }
});

story('tags are set at creation and later, listed and taken away', async (session, sqs) => {
  const queue = await session.queue('q', {}, { team: 'hares', stage: 'test' });
  await sqs.tagQueue({ QueueUrl: queue, Tags: { team: 'rabbits', 'cost:center': 'ä 7' } });
  assert.equal((await sqs.listQueueTags({ QueueUrl: queue })).Tags.team, 'rabbits');
  await sqs.untagQueue({ QueueUrl: queue, TagKeys: ['team', 'stage'] });
  assert.deepEqual((await sqs.listQueueTags({ QueueUrl: queue })).Tags, { 'cost:center': 'ä 7' });
});

story('a permission is added to the policy and removed', async (session, sqs) => {
  const queue = await session.queue();
  const label = { QueueUrl: queue, Label: 'senders' };
  await sqs.addPermission({ ...label, AWSAccountIds: ['123456789012'], Actions: ['SendMessage'] });
  const policy = JSON.parse(await session.attribute(queue, 'Policy'));
  assert.equal(policy.Statement[0].Sid, 'senders');
  await sqs.removePermission(label);
  assert.equal(await session.attribute(queue, 'Policy'), undefined);
});

story('a purge empties the queue, also of what is held', async (session, sqs) => {
  const queue = await session.queue('q', { VisibilityTimeout: '1' });
  await session.send(queue, 'held');
  await session.waitReceive(queue);
  await session.send(queue, 'ready');
  await sqs.purgeQueue({ QueueUrl: queue });
  assert.deepEqual(await session.receive(queue, { WaitTimeSeconds: 2 }), []);
});

story('a queue that is deleted is gone', async (session, sqs) => {
  const queue = await session.queue();
  await sqs.deleteQueue({ QueueUrl: queue });
  await assert.rejects(session.send(queue, 'x'), QueueDoesNotExist);
});
