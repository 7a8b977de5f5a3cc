import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Agent, AgentPauses, AgentRegistry, Handle } from 'agentmq/agent';
import { ConsoleModule } from 'agentmq/console';
import { CoordinatorsModule, Task, Tasks, TasksModule } from 'agentmq/coordination';
import { PauseStore } from 'agentmq/message-store';
import { MessageBus } from 'agentmq/messaging';
import { Audit, DeadLetters, Explainer } from 'agentmq/operations';
import { Contract } from 'agentmq/protocol';
import { Health } from 'agentmq/telemetry';
import { type TestApp, TestSystem } from 'agentmq/testing';
import { IsInt } from 'class-validator';
import { until } from '../support/index.js';

@Contract({ type: 'errand' })
class Errand {
  @IsInt()
  n!: number;
}

@Contract({ type: 'job' })
class Job {
  @IsInt()
  n!: number;
}

const done: string[] = [];
let letGo = (): void => undefined;
const bad = new Set<number>();

class Worked {
  constructor(private readonly id: string) {}

  async work(what: string, n: number): Promise<void> {
    if (n < 0) await new Promise<void>((resolve) => (letGo = resolve));
    if (bad.has(n)) throw new Error(`errand ${n} of customer-${n} failed`);
    done.push(`${this.id} ${what} ${n}`);
  }
}

const runner = (id: string) => {
  @Agent({ role: 'runner' })
  class Runner extends Worked {
    constructor() {
      super(id);
    }

    @Handle(Errand)
    errand({ n }: Errand): Promise<void> {
      return this.work('errand', n);
    }

    @Task(Job)
    async job({ n }: Job): Promise<object> {
      await this.work('job', n);
      return { n };
    }
  }
  return { id, controllers: [Runner], imports: [TasksModule] };
};

const single = (id: string) => {
  @Agent({ role: 'single', concurrency: 1, prefetch: 4 })
  class Single extends Worked {
    constructor() {
      super(id);
    }

    @Handle(Errand)
    errand({ n }: Errand): Promise<void> {
      return this.work('errand', n);
    }
  }
  return { id, controllers: [Single], settings: { shutdownTimeout: 1_000 } };
};

@Agent({ role: 'boss' })
class Boss {}

type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

describe('what operators change', () => {
  let system: TestSystem;
  let one: TestApp;
  let url: string;

  beforeAll(async () => {
    const imports = [ConsoleModule.forRoot({ contracts: [Errand] }), CoordinatorsModule];
    const boss = { id: 'boss-1', controllers: [Boss], imports, http: {} };
    system = await TestSystem.create({ apps: [boss], settings: { retry: { attempts: 1 } }, logger: false });
    one = await system.start(runner('runner-1'));
    url = await system.apps[0]!.http.getUrl();
  });
  afterAll(() => system.close());

  async function ask(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }
  const send = async (n: number, to: object = { role: 'runner' }): Promise<string> =>
    (await system.send(to as { role: string }, Errand, { n })).messageId;
  const reason = 'a deployment';

  it('a role that is paused is read by none of its agents, those that start later included, until it is resumed', async () => {
    expect((await ask('POST', '/consumers/role.none/pause', { reason })).status).toBe(404);
    expect((await ask('POST', '/consumers/role.runner/pause', {})).status).toBe(400);
    const paused = await ask('POST', '/consumers/role.runner/pause', { reason });
    expect(paused).toMatchObject({ status: 200, body: { target: 'role.runner', reason, drain: false } });
    const health = (): Promise<{ readonly status: number; readonly body: unknown }> => one.get(Health).ready();
    await until('the agent to keep to it', async () => JSON.stringify((await health()).body).includes(reason));
    expect(await health()).toMatchObject({
      status: 200,
      body: { details: { agent: { status: 'degraded', paused: [{ target: 'role.runner', reason }] } } },
    });
    const two = await system.start(runner('runner-2'));
    const waits = await send(1);
    await send(2, { agent: 'runner-1' });
    await until('what is sent to the agent itself', () => done.includes('runner-1 errand 2'));
    expect(done).toEqual(['runner-1 errand 2']);
    expect(await system.get(Explainer).explain(waits)).toMatchObject([{ reason: 'paused' }]);

    expect((await ask('POST', '/consumers/role.runner/resume', { reason: 'it is over' })).status).toBe(200);
    await until('what waited', () => done.some((each) => each.endsWith('errand 1')));
    expect((await ask('POST', '/consumers/role.runner/resume', {})).status).toBe(409);
    await two.stop();
  });

  it('an agent that is drained takes neither messages nor tasks, finishes what it has, and says when it has nothing left', async () => {
    await send(-1);
    await until('the errand to run', () => one.underWay().length > 0);
    const drained = await ask('POST', '/agents/runner-1/drain', { reason });
    expect(drained).toMatchObject({ status: 200, body: { target: 'agent.runner-1', drain: true, drained: false } });
    const registry = system.get(AgentRegistry);
    await until('the others to leave it out', () => registry.find({ role: 'runner' }).length === 0);
    expect(registry.find({ role: 'runner', health: 'any' })).toMatchObject([{ id: 'runner-1', paused: true }, {}]);
    const own = await send(3, { agent: 'runner-1' });
    const id = await system.get(Tasks).submit(Job, { n: 4 });
    expect((await ask('GET', '/pauses')).body).toMatchObject({ items: [{ target: 'agent.runner-1', drained: false }] });
    letGo();
    await until('it to be drained', async () => {
      const { items } = (await ask('GET', '/pauses')).body as {
        readonly items: readonly { readonly drained?: boolean }[];
      };
      return items[0]?.drained === true;
    });
    expect(done).toContain('runner-1 errand -1');
    expect(done.filter((each) => /errand 3|job 4/.test(each))).toEqual([]);
    expect(await system.get(Explainer).explain(own)).toMatchObject([{ reason: 'paused' }]);

    await ask('POST', '/agents/runner-1/resume', {});
    await until('the errand', () => done.includes('runner-1 errand 3'));
    await until('the task', async () => (await system.get(Tasks).find(id))?.state === 'completed', 10_000);
  });

  it('dead letters of one error are a group, which is counted, discarded and requeued', async () => {
    for (const n of [11, 12, 13]) bad.add(n);
    for (const n of [11, 12, 13]) await send(n);
    await system.quiet();
    const { items } = (await ask('GET', '/dead-letters/groups')).body as {
      readonly items: readonly { readonly id: string }[];
    };
    expect(items).toMatchObject([{ consumer: 'role.runner', type: 'errand', version: 1, count: 3 }]);
    const group = items[0]?.id;
    const listed = (await ask('GET', `/dead-letters?group=${encodeURIComponent(group ?? '')}&limit=2`)).body;
    expect(listed).toMatchObject({ items: [{ group }, { group }], next: expect.any(String) });
    const count = await ask('POST', '/dead-letters/requeue', { group, dryRun: true });
    expect(count.body).toMatchObject({
      state: 'ended',
      replayed: 3,
      preview: { counts: [{ consumer: 'role.runner', type: 'errand', count: 3 }] },
    });
    const [first] = (await system.get(DeadLetters).list()).items;
    const discarded = await ask('POST', '/dead-letters/discard', { ids: [first?.id], reason: 'a test' });
    expect(discarded.body).toMatchObject({ kind: 'discard', replayed: 1 });
    bad.clear();
    expect((await ask('POST', '/dead-letters/requeue', { group })).body).toMatchObject({ replayed: 2 });
    await until('them to be handled', () => done.includes('runner-1 errand 11') && done.includes('runner-1 errand 12'));
    expect(done).not.toContain('runner-1 errand 13');
  });

  it('each change is in the audit, the newest first', async () => {
    const { items } = await system.get(Audit).list();
    expect(items.map(({ action, target, rows, by }) => `${by} ${action} ${target} ${rows}`)).toEqual([
      expect.stringMatching(/^\S+ dead-letters\.requeue group role\.runner~errand@1~[0-9a-f]{16} 2$/),
      expect.stringMatching(/^\S+ dead-letters\.discard id \S+ 1$/),
      expect.stringMatching(/^\S+ agent\.resume agent\.runner-1 1$/),
      expect.stringMatching(/^\S+ agent\.drain agent\.runner-1 1$/),
      expect.stringMatching(/^\S+ consumer\.resume role\.runner 1$/),
      expect.stringMatching(/^\S+ consumer\.pause role\.runner 1$/),
    ]);
    const page = (await ask('GET', '/audit?limit=1&action=agent.drain')).body;
    expect(page).toMatchObject({ items: [{ reason, target: 'agent.runner-1' }] });
  });

  it('an agent that is resumed while it notes that it is drained keeps to what is on record then', async () => {
    const app = await system.start(runner('runner-3'));
    const store = app.get(PauseStore);
    const [list, noted] = [store.list.bind(store), store.drained.bind(store)];
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    const late: Promise<unknown>[] = [];
    const lists = jest.spyOn(store, 'list');
    jest.spyOn(store, 'drained').mockImplementationOnce(async (target) => {
      await noted(target);
      lists.mockImplementationOnce((targets) => {
        const answer = list(targets).then((read) => held.then(() => read));
        late.push(answer);
        return answer;
      });
    });
    expect((await ask('POST', '/agents/runner-3/drain', { reason })).status).toBe(200);
    await until('it to read what it has noted', () => late.length > 0);
    expect((await ask('POST', '/agents/runner-3/resume', {})).status).toBe(200);
    const pauses = app.get(AgentPauses);
    const read = pauses.read();
    // It is over by now, if it does not wait for the answer that is held.
    await Promise.race([read, new Promise(setImmediate)]);
    go();
    await Promise.all([...late, read]);
    expect(pauses.current).toEqual([]);
    expect(pauses.isPaused).toBe(false);
    await app.stop();
  });

  describe('while a handler runs', () => {
    const to = { role: 'single' };
    const owner = { kind: 'role', name: 'single' } as const;
    let app: TestApp;

    const change = async (what: 'pause' | 'resume', count: number): Promise<void> => {
      expect((await ask('POST', `/consumers/role.single/${what}`, { reason })).status).toBe(200);
      await until('the agent to keep to it', () => app.get(AgentPauses).current.length === count);
    };

    beforeAll(async () => {
      app = await system.start(single('single-1'));
    });

    it('an agent that is paused and resumed handles no more at once than its concurrency', async () => {
      await send(-2, to);
      await until('the errand to run', () => app.underWay().length > 0);
      await change('pause', 1);
      await send(21, to);
      await change('resume', 0);
      const bus = app.get(MessageBus);
      await until('the next to be fetched', async () => (await bus.waiting(owner)) === 0);
      expect(bus.inFlight).toBe(1);
      letGo();
      await until('the next', () => done.includes('single-1 errand 21'));
      expect(done.slice(-2)).toEqual(['single-1 errand -2', 'single-1 errand 21']);
    });

    it('an agent that is paused stops within its time', async () => {
      await send(-3, to);
      await until('the errand to run', () => app.underWay().length > 0);
      await change('pause', 1);
      const from = performance.now();
      await app.stop();
      expect(performance.now() - from).toBeLessThan(5_000);
      letGo();
    });
  });
});
