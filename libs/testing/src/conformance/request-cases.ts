import { type Broker, NoRecipientError, RequestInterruptedError, RequestTimeoutError } from 'agentmq/broker';
import { HEADER } from 'agentmq/protocol';
import type { BrokerHarness } from './harness.js';
import { collect, gate, message, newRole, numbered, type Owner, textOf } from './messages.js';
import type { TestRunner } from './runner.js';
import { until } from './until.js';

/** Answers every request with its own text, in upper case. */
async function echo(broker: Broker, owner: Owner, headers: Record<string, unknown> = {}): Promise<void> {
  await broker.consume({ owner, topics: [] }, { prefetch: 100 }, async ({ properties, body }) => {
    const { correlationId = '', replyTo = '' } = properties;
    await broker.reply(replyTo, {
      body: Buffer.from(body.toString().toUpperCase()),
      properties: { correlationId, headers },
    });
  });
}

export function requestCases({ expect, it }: TestRunner, harness: BrokerHarness): void {
  it('resolves with the answer', async () => {
    const owner = newRole();
    await echo(await harness.connect(), owner);
    const answer = await (await harness.connect()).request(message(owner, 'hello'), { timeoutMs: 5_000 });
    expect(textOf(answer)).toBe('HELLO');
  });

  it('gives each of many requests at once its own answer', async () => {
    const owner = newRole();
    await echo(await harness.connect(), owner);
    await echo(await harness.connect(), owner);
    const broker = await harness.connect();
    const texts = numbered(300, 'r');
    const answers = await Promise.all(
      texts.map((text, index) => broker.request(message(owner, text, { priority: index % 11 }), { timeoutMs: 5_000 })),
    );
    expect(answers.map(textOf)).toEqual(texts.map((text) => text.toUpperCase()));
  });

  it('keeps a correlation id that the caller chose, and passes an error in the answer on', async () => {
    const owner = newRole();
    await echo(await harness.connect(), owner, { [HEADER.error]: true });
    const broker = await harness.connect();
    const answer = await broker.request(message(owner, 'x', { correlationId: 'mine' }), { timeoutMs: 5_000 });
    expect(answer.properties).toMatchObject({ correlationId: 'mine', headers: { [HEADER.error]: true } });
  });

  it('rejects when no answer comes in time, and drops the answer that comes late', async () => {
    const owner = newRole();
    const broker = await harness.connect();
    const late = gate();
    const answered = gate();
    const responder = await harness.connect();
    await responder.consume({ owner, topics: [] }, { prefetch: 10 }, async ({ properties, body }) => {
      if (textOf({ body }) === 'slow') await late.passed;
      const { correlationId = '', replyTo = '' } = properties;
      await responder.reply(replyTo, { body, properties: { correlationId, headers: {} } });
      answered.open();
    });
    const slow = broker.request(message(owner, 'slow'), { timeoutMs: 100 });
    await expect(slow).rejects.toBeInstanceOf(RequestTimeoutError);
    late.open();
    await answered.passed;
    expect(textOf(await broker.request(message(owner, 'quick'), { timeoutMs: 5_000 }))).toBe('quick');
  });

  it('rejects at once when there is no recipient', async () => {
    const broker = await harness.connect();
    const begun = Date.now();
    const request = broker.request(message(newRole(), 'x', { mandatory: false }), { timeoutMs: 20_000 });
    await expect(request).rejects.toBeInstanceOf(NoRecipientError);
    expect(Date.now() - begun).toBeLessThan(5_000);
  });

  it('rejects with the reason of an AbortSignal, whether aborted before or while waiting', async () => {
    const owner = newRole();
    const broker = await harness.connect();
    const { received } = await collect(broker, owner);
    const reason = new Error('changed my mind');
    const before = broker.request(message(owner, 'x'), { timeoutMs: 5_000, signal: AbortSignal.abort(reason) });
    await expect(before).rejects.toBe(reason);
    const controller = new AbortController();
    const waiting = broker.request(message(owner, 'y'), { timeoutMs: 5_000, signal: controller.signal });
    await until('the request', () => received.length === 1);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(received.map(textOf)).toEqual(['y']);
  });

  it('rejects with RequestInterruptedError when the connection for the answer is lost, and works again after', async () => {
    const owner = newRole();
    const { broker, blip } = await harness.connectFragile();
    const responder = await harness.connect();
    const asked = gate();
    const consumer = await responder.consume({ owner, topics: [] }, { prefetch: 1 }, async () => asked.open());
    const request = broker.request(message(owner, 'x'), { timeoutMs: 20_000 });
    await asked.passed;
    blip();
    await expect(request).rejects.toBeInstanceOf(RequestInterruptedError);
    await consumer.close();
    await echo(responder, owner);
    expect(textOf(await broker.request(message(owner, 'again'), { timeoutMs: 10_000 }))).toBe('AGAIN');
  });

  it('rejects a reply to an address that does not exist', async () => {
    const broker = await harness.connect();
    const reply = broker.reply('nobody-reads-this', { body: Buffer.from('x'), properties: { headers: {} } });
    await expect(reply).rejects.toBeInstanceOf(NoRecipientError);
  });

  it('does not die of an answer without, or with an unknown, correlation id', async () => {
    const owner = newRole();
    const responder = await harness.connect();
    await responder.consume(
      { owner, topics: [] },
      { prefetch: 1 },
      async ({ properties: { replyTo = '', correlationId = '' }, body }) => {
        await responder.reply(replyTo, { body, properties: { headers: {} } });
        await responder.reply(replyTo, { body, properties: { correlationId: 'unknown', headers: {} } });
        await responder.reply(replyTo, { body, properties: { correlationId, headers: {} } });
        await responder.reply(replyTo, { body: Buffer.from('second'), properties: { correlationId, headers: {} } });
      },
    );
    const broker = await harness.connect();
    expect(textOf(await broker.request(message(owner, 'first'), { timeoutMs: 5_000 }))).toBe('first');
    expect(textOf(await broker.request(message(owner, 'next'), { timeoutMs: 5_000 }))).toBe('next');
  });
}
