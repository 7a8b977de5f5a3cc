import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Metrics, type ProbeResult } from 'agentmq/telemetry';
import { NamespaceMetrics } from './namespace-metrics.js';
import { AgentProbes } from './probes.js';

type Parts = ConstructorParameters<typeof AgentProbes>;
type MetricsParts = ConstructorParameters<typeof NamespaceMetrics>;
/** Of an agent whose database and broker do as given. */
function probed(given: {
  readonly touch?: () => Promise<void>;
  readonly now?: () => Promise<Date>;
  readonly stuck?: () => Promise<undefined>;
  readonly broker?: object;
}) {
  const identity = { id: 'a-1', roles: ['a'], isClient: false };
  const broker = { status: () => ({ type: 'memory', connected: true }), faults: () => [], ...given.broker };
  const metrics = [new Metrics(), identity, { find: () => [] }, {}, broker] as unknown as MetricsParts;
  const probes = new AgentProbes(
    ...([
      identity,
      {},
      broker,
      { now: given.now },
      { touch: given.touch },
      { stuck: given.stuck ?? (() => Promise.resolve(undefined)) },
      { monitor: { behind: 30_000 } },
      { outboxLoad: { entries: 0, limit: 10, refusing: [] } },
      {},
      {},
      new NamespaceMetrics(...metrics),
    ] as unknown as Parts),
  );
  return async (name: string): Promise<ProbeResult> => {
    const probe = probes.all().find((each) => each.name === name);
    if (!probe) throw new Error(`no probe ${name}`);
    return probe.check();
  };
}

const away = (): Promise<never> => Promise.reject(new Error('away'));
const seconds = (count: number): Promise<void> => jest.advanceTimersByTimeAsync(count * 1_000);

describe('readiness', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is back soon after the database, however long that took to fail', async () => {
    let touch = (): Promise<void> => Promise.resolve();
    const probe = probed({ touch: () => touch(), now: away });
    expect(await probe('message_store')).toMatchObject({ status: 'up' });
    touch = () => new Promise((_, reject) => setTimeout(() => reject(new Error('silent')), 35_000));
    await seconds(6);
    const silent = probe('message_store');
    await seconds(36);
    expect(await silent).toMatchObject({ status: 'down' });
    touch = () => Promise.resolve();
    await probe('message_store');
    await seconds(6);
    expect(await probe('message_store')).toMatchObject({ status: 'up' });
  });

  it('is gone soon after the database, though that was slow before', async () => {
    let touch = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_500));
    const probe = probed({ touch: () => touch(), now: away });
    const slow = probe('message_store');
    await seconds(2);
    expect(await slow).toMatchObject({ status: 'up' });
    touch = away;
    await seconds(5);
    expect(await probe('message_store')).toMatchObject({ status: 'down', data: { message: 'away' } });
  });

  it('stays away while the look at the outbox alone has no answer', async () => {
    const probe = probed({ touch: () => Promise.resolve(), stuck: () => new Promise(() => undefined) });
    for (let look = 0; look < 3; look++) {
      const result = probe('message_store');
      await seconds(10);
      expect(await result).toMatchObject({ status: 'down', data: { faults: [{ fault: 'database_unavailable' }] } });
    }
  });

  it('is told of a short fault by a broker that does not tell the sizes of inboxes', async () => {
    const faults: object[] = [];
    const probe = probed({ broker: { faults: () => faults, inboxSize: () => new Promise(() => undefined) } });
    const told = async (): Promise<ProbeResult> => {
      const result = probe('message_bus');
      const late = seconds(3).then(() => Promise.reject(new Error('the probe has no answer')));
      return Promise.race([result, late]);
    };
    expect(await told()).toEqual({ status: 'up', data: { type: 'memory' } });
    faults.push({ kind: 'consumer_lost', of: 'role.a', reason: 'not read', since: new Date() });
    expect(await told()).toMatchObject({ status: 'degraded', data: { message: 'role.a: not read' } });
  });
});
