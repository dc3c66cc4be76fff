// An amqplib connection with one confirm channel, in the few words that the tests are written in.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import amqp from 'amqplib';

/** How long a test waits for what must come. Long, because the machine may be busy. */
export const WAIT_MS = 10_000;

/** How long a test watches for what must not come. */
export const QUIET_MS = 300;

/** A test that is given a session of its own; what the session declared is deleted at the end. */
export function story(title, tell) {
  test(title, { timeout: 60_000 }, async () => {
    const session = await Session.open();
    try {
      await tell(session);
    } finally {
      await session.clean();
    }
  });
}

export const text = (message) => message.content.toString();
export const texts = (messages) => messages.map(text);
export const bodies = (count) => Array.from({ length: count }, (_, number) => String(number));

export class Session {
  #queues = new Set();
  #exchanges = new Set();
  #others = [];
  #prefix = `amqplib.${randomUUID().slice(0, 8)}`;

  static async open() {
    const session = new Session();
    session.connection = await amqp.connect(brokerUrl(), { noDelay: true });
    session.connection.on('error', () => {});
    session.channel = await session.openChannel();
    return session;
  }

  /** One more channel in confirm mode; `refused` looks at its errors, so they are no crash of the test. */
  async openChannel() {
    const channel = await this.connection.createConfirmChannel();
    channel.on('error', () => {});
    return channel;
  }

  /** A second client on the same broker, closed with this session. */
  async other() {
    const other = await Session.open();
    this.#others.push(other);
    return other;
  }

  /** A name that no other test uses. */
  name(suffix = 'q') {
    return `${this.#prefix}.${suffix}`;
  }

  /** Declares a durable queue with these `x-` arguments and returns its name. */
  async queue(suffix = 'q', args = {}, options = {}) {
    const { queue } = await this.channel.assertQueue(this.name(suffix), { arguments: args, ...options });
    this.#queues.add(queue);
    return queue;
  }

  async exchange(suffix, kind, options = {}) {
    const { exchange } = await this.channel.assertExchange(this.name(suffix), kind, options);
    this.#exchanges.add(exchange);
    return exchange;
  }

  /** Publishes a persistent message and waits for its confirm; rejects if the broker does not take it. */
  publish(exchange, key, body, options = {}) {
    const content = Buffer.isBuffer(body) ? body : Buffer.from(String(body));
    return new Promise((resolve, reject) => {
      const settle = (error) => (error ? reject(error) : resolve());
      this.channel.publish(exchange, key, content, { persistent: true, ...options }, settle);
    });
  }

  send(queue, body, options) {
    return this.publish('', queue, body, options);
  }

  /** Publishes the bodies 0, 1, 2... and returns them. */
  async fill(queue, count) {
    await Promise.all(bodies(count).map((body) => this.send(queue, body)));
    return bodies(count);
  }

  async depth(queue) {
    return (await this.channel.checkQueue(queue)).messageCount;
  }

  /** basic.get that waits until there is a message. */
  async waitGet(queue, options) {
    let message;
    await until(async () => (message = await this.channel.get(queue, options)), `a message in ${queue}`);
    return message;
  }

  /** Gets and acknowledges all that is ready, and returns the bodies. */
  async drain(queue) {
    const drained = [];
    for (let message; (message = await this.channel.get(queue)); this.channel.ack(message)) {
      drained.push(text(message));
    }
    return drained;
  }

  /** Starts a consumer; `handle(message)` is called with each delivery, which the inbox keeps as well. */
  async consume(queue, options = {}, channel = this.channel, handle = () => {}) {
    const inbox = new Inbox(handle);
    inbox.tag = (await channel.consume(queue, (message) => inbox.take(message), options)).consumerTag;
    return inbox;
  }

  /** Expects the broker to close the channel upon `action(channel)` with this reply code and text. */
  async refused(code, words, action) {
    const channel = await this.openChannel();
    const closed = once(channel, 'error', { signal: AbortSignal.timeout(WAIT_MS) });
    await Promise.allSettled([action(channel)]);
    const [error] = await closed;
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
  }

  /** Ends the connection as a crash of the client does: the socket closes, no AMQP close is sent. */
  async drop() {
    const lost = once(this.connection, 'error');
    this.connection.connection.stream.destroy(new Error('dropped by the test'));
    await lost;
  }

  async clean() {
    for (const other of this.#others) {
      await other.connection.close().catch(() => {});
    }
    const sweeper = await this.connection.createChannel();
    for (const queue of this.#queues) {
      await sweeper.deleteQueue(queue);
    }
    for (const exchange of this.#exchanges) {
      await sweeper.deleteExchange(exchange);
    }
    await this.connection.close();
  }
}

/** What one consumer was sent, in order, and whether the broker cancelled it. */
export class Inbox {
  messages = [];
  cancelled = false;
  #handle;

  constructor(handle) {
    this.#handle = handle;
  }

  /** Takes what amqplib hands to a consumer: a delivery, or null once the broker has cancelled it. */
  take(message) {
    if (message === null) {
      this.cancelled = true;
    } else {
      this.messages.push(message);
      this.#handle(message);
    }
  }

  /** Waits until `count` messages have come in all and returns them. */
  async wait(count) {
    await until(() => this.messages.length >= count, `${count} messages`, () => texts(this.messages));
    return this.messages.slice(0, count);
  }

  /** Listens for a while and returns all that has come. */
  async quiet() {
    await sleep(QUIET_MS);
    return this.messages;
  }
}

/** Waits until `reached()` gives something true. */
export async function until(reached, what, seen = () => '') {
  for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(10)) {
    if (await reached()) {
      return;
    }
  }
  assert.fail(`waited ${WAIT_MS} ms for ${what}: ${seen()}`);
}

function brokerUrl() {
  const url = process.env.LEVERET_TEST_BROKER_URL;
  assert.ok(url, 'no broker: run `npm test`, which starts one, or set LEVERET_TEST_BROKER_URL');
  return url;
}
