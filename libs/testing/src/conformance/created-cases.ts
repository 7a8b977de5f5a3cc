import type { Broker } from 'agentmq/broker';
import type { BrokerHarness } from './harness.js';
import { declare, message, newAgent, newRole, type Owner, textOf } from './messages.js';
import type { TestRunner } from './runner.js';
import { until } from './until.js';

interface Listening {
  /** How often it was told that the inbox was made. */
  created: number;
  readonly texts: string[];
}

async function listen(broker: Broker, owner: Owner): Promise<Listening> {
  const listening: Listening = { created: 0, texts: [] };
  const onCreated = (): void => void listening.created++;
  await broker.consume(
    { owner, topics: [] },
    { prefetch: 10, onCreated },
    async (incoming) => void listening.texts.push(textOf(incoming)),
  );
  return listening;
}

/** A message through the inbox: whatever had to be declared has been, and messages flow. */
async function passThrough(broker: Broker, owner: Owner, text: string, listeners: Listening[]): Promise<void> {
  await until(`${text} to be taken`, () =>
    broker.publish(message(owner, text)).then(
      () => true,
      () => false,
    ),
  );
  await until(`${text} to come`, () => listeners.some(({ texts }) => texts.includes(text)));
}

/** When `ConsumeOptions.onCreated` is called. */
export function createdCases({ expect, it }: TestRunner, harness: BrokerHarness): void {
  it('is told to the first consumer before it flows, and not to those that find it', async () => {
    const broker = await harness.connect();
    for (const owner of [newRole(), newAgent()]) {
      const first = await listen(broker, owner);
      expect(first.created).toBe(1);
      const second = await listen(await harness.connect(), owner);
      await passThrough(broker, owner, 'x', [first, second]);
      expect([first.created, second.created]).toEqual([1, 0]);
    }
  });

  it('is told to one at least of those that make it together', async () => {
    const owner = newRole();
    const brokers = await Promise.all([harness.connect(), harness.connect(), harness.connect()]);
    const listeners = await Promise.all(brokers.map((broker) => listen(broker, owner)));
    expect(listeners.reduce((told, { created }) => told + created, 0)).toBeGreaterThanOrEqual(1);
  });

  it('is not told again when a connection comes back', async () => {
    const { broker, blip } = await harness.connectFragile();
    const other = await harness.connect();
    const owner = newRole();
    await declare(other, owner);
    const listening = await listen(broker, owner);
    blip();
    await until('the loss of the connection', () => !broker.status().connected);
    await until('the connection', () => broker.status().connected);
    await passThrough(other, owner, 'after', [listening]);
    expect(listening.created).toBe(0);
  });

  it('is told when it was deleted under its consumer', async () => {
    const broker = await harness.connect();
    const other = await harness.connect();
    const owner = newRole();
    await declare(other, owner);
    const listening = await listen(broker, owner);
    expect(listening.created).toBe(0);
    for (const times of [1, 2]) {
      await other.deleteInbox(owner);
      await until('it is told', () => listening.created >= times);
      await passThrough(other, owner, `after ${times}`, [listening]);
    }
  });

  it('is not told after a restart of the broker, and is told when the broker comes back without its data', async () => {
    const server = await harness.restartable();
    const broker = await server.connect();
    const owner = newRole();
    await declare(broker, owner);
    const listening = await listen(broker, owner);
    await server.restart();
    await passThrough(broker, owner, 'restarted', [listening]);
    expect(listening.created).toBe(0);
    await server.wipe();
    await until('it is told', () => listening.created > 0, 30_000);
    await passThrough(broker, owner, 'wiped', [listening]);
  }, 120_000);
}
