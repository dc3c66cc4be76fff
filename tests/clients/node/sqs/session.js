// The AWS SDK for JavaScript against the broker's SQS door, in the few words that the tests are written in.

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { QueueDoesNotExist, SQS } from '@aws-sdk/client-sqs';

import { until } from '../session.js';

/** A test that is given a session of its own; the queues of the session are deleted at the end. */
export function story(title, tell) {
  test(title, { timeout: 60_000 }, async () => {
    const session = new SqsSession();
    try {
      await tell(session, session.sqs);
    } finally {
      await session.clean();
    }
  });
}

export const bodies = (messages) => messages.map((message) => message.Body);

/** Entries of a batch that sends these bodies. */
export const entries = (...texts) => texts.map((text, number) => ({ Id: `e${number}`, MessageBody: text }));

/** What SQS says of a message's attributes: an MD5 over their names, types and values, sorted by name. */
export function md5OfAttributes(attributes) {
  const hash = createHash('md5');
  const sized = (bytes) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of Object.keys(attributes).sort()) {
    const { DataType, StringValue, BinaryValue } = attributes[name];
    sized(Buffer.from(name));
    sized(Buffer.from(DataType));
    hash.update(Buffer.from([BinaryValue ? 2 : 1]));
    sized(Buffer.from(BinaryValue ?? StringValue));
  }
  return hash.digest('hex');
}

export class SqsSession {
  /** An unmodified client: an endpoint, and keys of which the door on loopback accepts any. */
  sqs = new SQS({
    endpoint: doorUrl(),
    region: 'eu-west-1',
    credentials: { accessKeyId: 'anybody', secretAccessKey: 'anything' },
    maxAttempts: 1,
  });
  #prefix = `node-${randomUUID().slice(0, 8)}`;
  #queues = [];

  /** A name that no other test uses. */
  name(suffix = 'q') {
    return `${this.#prefix}-${suffix}`;
  }

  /** Creates a queue and returns its URL. */
  async queue(suffix = 'q', Attributes = {}, tags = {}) {
    const { QueueUrl } = await this.sqs.createQueue({ QueueName: this.name(suffix), Attributes, tags });
    this.#queues.push(QueueUrl);
    return QueueUrl;
  }

  /** Creates a FIFO queue that deduplicates by content. */
  fifo(suffix = 'q', attributes = {}) {
    return this.queue(`${suffix}.fifo`, { FifoQueue: 'true', ContentBasedDeduplication: 'true', ...attributes });
  }

  /** Creates a queue that moves what was received `count` times without success; returns both URLs. */
  async withDeadLetters(count, attributes = {}) {
    const dead = await this.queue('dead');
    const policy = { deadLetterTargetArn: await this.arn(dead), maxReceiveCount: count };
    return [await this.queue('q', { RedrivePolicy: JSON.stringify(policy), ...attributes }), dead];
  }

  async attribute(QueueUrl, name) {
    const { Attributes } = await this.sqs.getQueueAttributes({ QueueUrl, AttributeNames: [name] });
    return Attributes?.[name];
  }

  arn(url) {
    return this.attribute(url, 'QueueArn');
  }

  /** The number of ready messages. */
  async depth(url) {
    return Number(await this.attribute(url, 'ApproximateNumberOfMessages'));
  }

  send(QueueUrl, MessageBody, more = {}) {
    return this.sqs.sendMessage({ QueueUrl, MessageBody, ...more });
  }

  /** What one receive finds, with all that can be told of it. */
  async receive(QueueUrl, more = {}) {
    const { Messages = [] } = await this.sqs.receiveMessage({
      QueueUrl,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
      ...more,
    });
    return Messages;
  }

  /** A receive that waits until there is a message. */
  async waitReceive(url, more = {}) {
    const [message] = await this.receive(url, { MaxNumberOfMessages: 1, WaitTimeSeconds: 20, ...more });
    return message;
  }

  /** Waits until a queue has `count` ready messages. */
  untilDepth(url, count) {
    return until(async () => (await this.depth(url)) === count, `${count} messages in ${url}`);
  }

  async clean() {
    for (const QueueUrl of this.#queues) {
      await this.sqs.deleteQueue({ QueueUrl }).catch(unlessGone);
    }
    this.sqs.destroy();
  }
}

function doorUrl() {
  const url = process.env.LEVERET_TEST_SQS_URL;
  assert.ok(url, 'no SQS door: run `npm test`, which starts a broker that has one, or set LEVERET_TEST_SQS_URL');
  return url;
}

function unlessGone(error) {
  if (!(error instanceof QueueDoesNotExist)) {
    throw error;
  }
}
