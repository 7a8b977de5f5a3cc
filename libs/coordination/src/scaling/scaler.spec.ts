import { describe, expect, it } from '@jest/globals';
import type { AgentIdentity, AgentRegistry, AgentSettings } from 'agentmq/agent';
import type { Metrics } from 'agentmq/telemetry';
import { until } from '../../../../test/support/index.js';
import type { Leadership } from '../election/election-group.js';
import type { BacklogSource } from './backlog-source.js';
import { Scaler } from './scaler.js';
import { Spawner, type StartedWorker } from './spawner.js';

const nothing = (): void => undefined;
const metrics = { scaled: nothing, notScaled: nothing } as unknown as Metrics;
const backlog = { of: () => Promise.resolve(0) } as unknown as BacklogSource;
const settings = {
  scaling: {
    roles: [{ role: 'worker', min: 1, max: 1 }],
    interval: 5,
    targetBacklog: 10,
    coolDown: 1_000,
    startTimeout: 60,
  },
} as unknown as AgentSettings;

/** Whose workers never register. */
class InVain extends Spawner {
  readonly alive = new Set<number>();
  started = 0;
  most = 0;

  async start(): Promise<StartedWorker> {
    const worker = ++this.started;
    this.alive.add(worker);
    this.most = Math.max(this.most, this.alive.size);
    return { ended: new Promise(nothing), end: () => this.alive.delete(worker) };
  }

  async stop(): Promise<void> {}
}

describe('the scaler', () => {
  const leading = async (
    find: AgentRegistry['find'],
    spawner: Spawner,
    whatFor: () => Promise<void>,
  ): Promise<void> => {
    const over = new AbortController();
    const registry = { find } as unknown as AgentRegistry;
    const identity = { id: 'boss-1' } as AgentIdentity;
    const fence: Leadership['fence'] = (work) => work(undefined as never);
    const run = new Scaler(settings, identity, registry, backlog, spawner, metrics).run({
      term: 1,
      signal: over.signal,
      fence,
    });
    await whatFor();
    over.abort();
    await run;
  };

  it('ends who does not come in time before another is started', async () => {
    const spawner = new InVain();
    await leading(
      () => [],
      spawner,
      () => until('others are started', () => spawner.started >= 3).then(nothing),
    );
    expect(spawner.most).toBe(1);
  });

  it('starts nobody in the place of one that is only silent', async () => {
    const spawner = new InVain();
    let looks = 0;
    const find = ({ health = 'healthy' }: { health?: unknown }) => {
      looks++;
      return [health].flat().includes('suspect') ? [{ id: 'w-1', instance: 'w-1-1' }] : [];
    };
    await leading(find as unknown as AgentRegistry['find'], spawner, () =>
      until('it looks', () => looks > 5).then(nothing),
    );
    expect(spawner.started).toBe(0);
  });
});
