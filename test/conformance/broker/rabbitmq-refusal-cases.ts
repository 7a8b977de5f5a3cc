import { expect, it } from '@jest/globals';
import { collect, message, newRole, numbered } from 'agentmq/testing/conformance';
import { amqpUrl, until } from '../../support/index.js';
import type { RabbitMqHarness } from './rabbitmq-harness.js';

const LIMIT = 100_000;

/** Publications that RabbitMQ refuses for good, among others that it takes. */
export function refusalCases(harness: RabbitMqHarness): void {
  it('names what is larger than the broker takes, and neither fails nor delays anything else', async () => {
    const node = await harness.node();
    await node.ctl('eval', `application:set_env(rabbit, max_message_size, ${LIMIT}).`);
    const broker = await harness.open(node.url);
    const answering = await harness.open(node.url);
    const [owner, other] = [newRole(), newRole()];
    await answering.consume({ owner, topics: [] }, { prefetch: 50 }, async ({ properties, body }) => {
      // Late enough to be under way while the channel of the large one is closed.
      await new Promise((resolve) => setTimeout(resolve, 300));
      const { correlationId = '' } = properties;
      await answering.reply(properties.replyTo ?? '', { body, properties: { correlationId, headers: {} } });
    });
    const { texts } = await collect(answering, other);
    const begun = Date.now();
    const requests = numbered(24).map((text) => broker.request(message(owner, text), { timeoutMs: 5_000 }));
    const large = [300_000, 150_000].map((size) => broker.publish(message(other, 'x'.repeat(size))));
    const good = numbered(100).map((text) => broker.publish(message(other, text)));
    const refused = await Promise.allSettled(large);
    expect(refused).toMatchObject([
      { reason: { code: 'MESSAGE_TOO_LARGE', bytes: 300_000, limit: LIMIT, retryable: false } },
      { reason: { code: 'MESSAGE_TOO_LARGE', bytes: 150_000, limit: LIMIT, retryable: false } },
    ]);
    expect(await Promise.all(requests)).toHaveLength(24);
    await Promise.all(good);
    await until('all good ones', () => texts().length === 100);
    expect(texts()).toEqual(numbered(100));
    expect(Date.now() - begun).toBeLessThan(4_000);
    // Known by now: nothing is sent.
    const request = broker.request(message(owner, 'x'.repeat(LIMIT + 1)), { timeoutMs: 5_000 });
    await expect(request).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE', limit: LIMIT });
    await broker.publish(message(other, 'y'.repeat(LIMIT)));
    await until('as much as it takes', () => texts().length === 101);
    await node.ctl('eval', 'application:set_env(rabbit, max_message_size, 134217728).');
    for (const inbox of [owner, other]) await broker.deleteInbox(inbox);
  }, 60_000);

  it('names what the broker closes the channel for, sent alone, and lets the others go on in order', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const { texts } = await collect(broker, owner);
    const early = numbered(50).map((text) => broker.publish(message(owner, text)));
    // No property of ours: RabbitMQ takes only the name of the connection's own user.
    const bad = broker.publish({ ...message(owner, 'bad'), properties: { headers: {}, userId: 'stranger' } as never });
    const late = numbered(50, '1.').map((text) => broker.publish(message(owner, text)));
    await expect(bad).rejects.toMatchObject({ code: 'INVALID_MESSAGE', retryable: false });
    await expect(bad).rejects.toThrow(/user_id property set to 'stranger'/);
    await Promise.all([...early, ...late]);
    const distinct = (): string[] => [...new Set(texts())];
    await until('all others', () => distinct().length === 100);
    expect(distinct()).toEqual([...numbered(50), ...numbered(50, '1.')]);
  });

  it('refuses a header that would end the connection, before anything is sent', async () => {
    const reports: Error[] = [];
    const broker = await harness.open(amqpUrl(), { report: (problem) => reports.push(problem) });
    const owner = newRole();
    const { texts } = await collect(broker, owner);
    for (const h of [Infinity, NaN, 10n, new Date(), { '!': 'nonsense' }, 'x'.repeat(200_000)]) {
      const refused = broker.publish(message(owner, 'x', { headers: { h } }));
      await expect(refused).rejects.toMatchObject({
        code: 'INVALID_MESSAGE',
        field: expect.stringMatching(/^headers/),
      });
    }
    await broker.publish(message(owner, 'good'));
    await until('the good one', () => texts().length === 1);
    expect(reports).toEqual([]);
  });
}
