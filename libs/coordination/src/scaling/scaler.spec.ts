import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  type AgentHealth,
  type AgentIdentity,
  type AgentRegistry,
  loadSettings,
  type RegisteredAgent,
} from 'agentmq/agent';
import { Metrics } from 'agentmq/telemetry';
import { until } from '../../../../test/support/index.js';
import type { Leadership } from '../election/election-group.js';
import { BacklogSource } from './backlog-source.js';
import { Scaler } from './scaler.js';
import type { Coordinators } from '../coordinators/coordinators.js';
import { Spawner, type StartedWorker } from './spawner.js';

const START_TIMEOUT_MS = 60;
const never = new Promise<string>(() => undefined);

/** A role with a scaler that looks without a rest; what it starts does what the test says. */
class Role {
  looks = 0;
  backlog = 0;
  startsLike: () => StartedWorker = () => ({ ended: never });
  readonly starts: number[] = [];
  readonly stops: string[] = [];
  /** Agents that are of another role too. */
  readonly shared = new Set<string>();
  readonly agents = new Map<string, AgentHealth>();
  private readonly led = new AbortController();
  private readonly running: Promise<void>;

  constructor(scaling: string) {
    const settings = loadSettings({ SCALING: scaling, SCALING_TARGET_BACKLOG: '1', SCALING_COOL_DOWN: '0' });
    Object.assign(settings.scaling, { interval: 1, startTimeout: START_TIMEOUT_MS });
    const of = (): Promise<number> => {
      this.looks++;
      return Promise.resolve(this.backlog);
    };
    const start = (): Promise<StartedWorker> => {
      this.starts.push(performance.now());
      return Promise.resolve(this.startsLike());
    };
    const scaler = new Scaler(
      settings,
      { id: 'boss' } as AgentIdentity,
      { find: (query: { health?: AgentHealth[] }) => this.find(query.health) } as unknown as AgentRegistry,
      Object.assign(Object.create(BacklogSource.prototype) as BacklogSource, { of }),
      Object.assign(Object.create(Spawner.prototype) as Spawner, {
        start,
        stop: ({ id }: RegisteredAgent) => Promise.resolve(void this.stops.push(id)),
      }),
      new Metrics(),
      { add: () => undefined } as unknown as Coordinators,
    );
    const leadership = {
      term: 1,
      signal: this.led.signal,
      fence: (work: (transaction: never) => unknown) => work(undefined as never),
    } as unknown as Leadership;
    this.running = scaler.run(leadership);
  }

  async looksOn(count = 5): Promise<void> {
    const since = this.looks;
    // one that has begun may have seen what was before
    await until(`${count} looks`, () => this.looks > since + count);
  }

  async close(): Promise<void> {
    this.led.abort();
    await this.running;
  }

  private find(healths: readonly AgentHealth[] = ['healthy']): RegisteredAgent[] {
    const found = [...this.agents].filter(([, health]) => healths.includes(health));
    return found.map(([id, health]) => {
      const roles = this.shared.has(id) ? ['worker', 'clerk'] : ['worker'];
      const agent = { id, instance: id, roles, health, load: 0, inFlight: 0, registeredAt: new Date(0) };
      return agent as unknown as RegisteredAgent;
    });
  }
}

describe('a scaler', () => {
  let role: Role;
  let errors: string[];

  beforeEach(() => {
    errors = [];
    jest.spyOn(Logger.prototype, 'error').mockImplementation((message: unknown) => void errors.push(String(message)));
    for (const level of ['log', 'warn'] as const) jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  });

  afterEach(async () => {
    await role.close();
    jest.restoreAllMocks();
  });

  it('ends those of whom no agent has come in time, says so once, and starts the next a little later', async () => {
    role = new Role('worker:2-3');
    let ends = 0;
    role.startsLike = () => ({ ended: never, end: () => ends++ });
    await until('both to be ended', () => ends === 2);
    await role.looksOn();
    expect(role.starts).toHaveLength(2);
    expect(errors).toEqual([
      'worker: started, but no agent of role worker registered within 0.06 s; no other is started for 1 s (1 in a row)',
    ]);
    await until('the next', () => role.starts.length > 2);
    // from the first: with it the pause began
    expect((role.starts[2] ?? 0) - (role.starts[0] ?? 0)).toBeGreaterThanOrEqual(1_000 + START_TIMEOUT_MS);
  });

  it('ends nobody who may have come', async () => {
    role = new Role('worker:2-3');
    let ends = 0;
    role.startsLike = () => {
      if (role.starts.length === 2) role.agents.set('w1', 'healthy');
      return { ended: never, end: () => ends++ };
    };
    await until('the other to be given up', () => errors.length > 0);
    expect(errors[0]).toMatch(/registered within 0.06 s; it is not ended, since others have come/);
    expect(ends).toBe(0);
  });

  it('stops no agent that is of another role too', async () => {
    role = new Role('worker:0-3');
    role.backlog = 0;
    role.shared.add('w1');
    role.agents.set('w1', 'healthy').set('w2', 'healthy');
    await until('the other to be stopped', () => role.stops.length > 0);
    role.agents.delete('w2');
    await role.looksOn();
    expect(new Set(role.stops)).toEqual(new Set(['w2']));
  });

  it('waits before it starts another for one that has ended with an error, and a short time again once one has come', async () => {
    role = new Role('worker:1-3');
    role.startsLike = () => ({ ended: Promise.resolve('a process ended with exit code 3') });
    await until('two failures', () => errors.length === 2);
    expect(errors[1]).toMatch(/exit code 3; no other is started for 2 s \(2 in a row\)$/);
    role.agents.set('w1', 'healthy');
    await role.looksOn();
    role.agents.delete('w1');
    await until('the next failure', () => errors.length === 3);
    expect(errors[2]).toMatch(/for 1 s \(1 in a row\)$/);
  });

  it('takes what prevents a start for a failure too', async () => {
    role = new Role('worker:1-3');
    role.startsLike = () => {
      throw new Error('no room');
    };
    await until('a failure', () => errors.length > 0);
    await role.looksOn();
    expect(role.starts).toHaveLength(1);
    expect(errors).toEqual(['worker: Error: no room; no other is started for 1 s (1 in a row)']);
  });

  it('counts suspects, and replaces only the dead', async () => {
    role = new Role('worker:1-2');
    role.agents.set('w1', 'healthy').set('w2', 'suspect');
    role.backlog = 9;
    await role.looksOn();
    role.agents.set('w2', 'healthy').set('w1', 'suspect');
    await role.looksOn();
    expect(role.starts).toHaveLength(0);
    role.agents.set('w1', 'dead');
    await until('one to be started', () => role.starts.length > 0);
    // one that was doubted and is not any more is not the one that was started
    role.agents.set('w2', 'suspect');
    await role.looksOn();
    role.agents.set('w2', 'healthy');
    await until('the started one to be given up', () => errors.length > 0);
    expect(role.starts).toHaveLength(1);
    expect(errors[0]).not.toMatch(/it is not ended/);
  });
});
