import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, Ctx } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { MessageBus } from 'agentmq/messaging';
import {
  Coordinators,
  CoordinatorsModule,
  Delegation,
  InvalidTaskError,
  Task,
  TaskContext,
  type TaskEvent,
  Tasks,
  TasksModule,
  UnknownTaskError,
} from 'agentmq/coordination';
import { IsInt } from 'class-validator';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'count_up' })
class CountUp {
  @IsInt()
  to!: number;
}
@Contract({ type: 'count_secretly', sensitive: true })
class CountSecretly extends CountUp {}
@Contract({ type: 'count_parts' })
class CountParts extends CountUp {}
const WAIT_MS = 20_000;

describe('a task that is watched', () => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: 'in_memory',
    SEALING_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.4',
  });
  Object.assign(system.settings, { registry: { heartbeatInterval: 300, agentTimeout: 2_000 } });
  let tasks: Tasks;
  let submitters: Tasks;
  let refusals: unknown[] = [];
  const counted: number[] = [];
  let isFailing = true;
  let gate = (): void => undefined;
  let bus: MessageBus;

  @Agent({ role: 'counter', concurrency: 4 })
  class Counter {
    constructor(private readonly delegation: Delegation) {}

    @Task(CountUp)
    async count({ to }: CountUp, @Ctx() { progress, signal }: TaskContext): Promise<object> {
      for (let n = 1; n <= to; n++) {
        progress({ n });
        await delay(5);
      }
      for (const wrong of [[], 'text', { n: 1n }, { text: 'x'.repeat(16_384) }])
        try {
          progress(wrong as object);
        } catch (error) {
          refusals.push(error);
        }
      await Promise.race([
        new Promise<void>((resolve) => (gate = resolve)),
        new Promise((resolve) => signal.addEventListener('abort', resolve)),
      ]);
      return { to };
    }

    /** Its parts are done, and it fails. */
    @Task(CountParts)
    async countParts({ to }: CountParts, @Ctx() { task }: TaskContext): Promise<object> {
      counted.push(to);
      if (to === 0) return {};
      const [part] = await this.delegation
        .delegate(CountParts, [{ to: 0 }], { to: { role: 'counter' } })
        .then(({ parts }) => parts);
      if (isFailing) throw new Error(`not at attempt ${task?.attempt}`);
      return { part: part?.taskId };
    }

    @Task(CountSecretly)
    secretly(payload: CountSecretly, @Ctx() context: TaskContext): Promise<object> {
      return this.count(payload, context);
    }
  }
  @Agent({ role: 'boss' })
  class Boss {}
  @Agent({ role: 'watcher' })
  class Watcher {}

  const to = { to: { role: 'counter' } };
  /** What is told of a task until its end, as it comes. */
  function watch(id: string): { readonly events: TaskEvent[]; readonly end: Promise<void> } {
    const events: TaskEvent[] = [];
    const read = async (): Promise<void> => {
      for await (const event of tasks.watch(id)) events.push(event);
    };
    return { events, end: read() };
  }
  const statesOf = (events: readonly TaskEvent[]): string[] =>
    events.flatMap((event) => (event.kind === 'state' ? [event.task.state] : []));
  const progressOf = (events: readonly TaskEvent[]): unknown[] =>
    events.flatMap((event) => (event.kind === 'progress' ? [event.progress] : []));

  beforeAll(async () => {
    await system.store.database.migrate();
    const [boss, watcher] = await Promise.all([
      system.start({ id: 'boss-1', controllers: [Boss], imports: [TasksModule, CoordinatorsModule] }),
      system.start({ id: 'watcher-1', controllers: [Watcher], imports: [TasksModule] }),
      system.start({ id: 'counter-1', controllers: [Counter], imports: [TasksModule] }),
    ]);
    submitters = boss.get(Tasks);
    tasks = watcher.get(Tasks);
    bus = watcher.get(MessageBus);
    await until('a leader', () => boss.get(Coordinators).group?.state.isLeader, WAIT_MS);
  });
  afterAll(() => system.close());

  it('tells of its states and of its progress as they change, by whichever process it was submitted, and ends', async () => {
    const closed: string[] = [];
    const listen = bus.listen.bind(bus);
    bus.listen = async (topics, contract, handle) => {
      const listener = await listen(topics, contract, handle);
      return { close: () => listener.close().then(() => void closed.push(...topics)) };
    };
    const id = await submitters.submit(CountUp, { to: 150 }, to);
    const { events, end } = watch(id);
    await until('the last progress', () => progressOf(events).some((each) => (each as { n: number }).n === 150));
    const first = performance.now();
    gate();
    await end;
    expect(performance.now() - first).toBeLessThan(1_000);
    const states = statesOf(events);
    expect(states.slice(-2)).toEqual(['assigned', 'completed']);
    expect(events.at(-1)).toMatchObject({ kind: 'state', task: { id, result: { to: 150 } } });
    const told = events.flatMap((event) => (event.kind === 'progress' ? [event.at.getTime()] : []));
    expect(told.length).toBeLessThan(3 + ((told.at(-1) ?? 0) - (told[0] ?? 0)) / 200);
    expect(refusals).toHaveLength(4);
    for (const error of refusals) expect(error).toMatchObject({ code: 'INVALID_TASK', field: 'progress' });
    await until('what is listened to is closed', () => closed.length >= 3);
  });

  it('has its progress on record, for what begins to watch later', async () => {
    const id = await submitters.submit(CountUp, { to: 3 }, to);
    await until('it is on record', async () => (await tasks.find(id))?.progress);
    expect(await tasks.find(id)).toMatchObject({ progress: { n: 3 } });
    const { events, end } = watch(id);
    await until('both are told', () => events.length >= 2);
    expect(events).toMatchObject([
      { kind: 'state', task: { state: 'assigned' } },
      { kind: 'progress', taskId: id, progress: { n: 3 } },
    ]);
    await submitters.cancel(id, 'seen');
    await end;
    expect(events.at(-1)).toMatchObject({ kind: 'state', task: { state: 'cancelled' } });
  });

  it('tells nothing of its progress when it is sensitive', async () => {
    refusals = [];
    const id = await submitters.submit(CountSecretly, { to: 300 }, to);
    const { events, end } = watch(id);
    await until('it is done', () => refusals.length === 4);
    gate();
    await end;
    expect(progressOf(events)).toEqual([]);
    expect(await tasks.find(id)).toMatchObject({ state: 'completed', progress: null, progressAt: null });
  });

  it('has its attempts on record, and is tried again when that is asked for, without what is done', async () => {
    const id = await submitters.submit(CountParts, { to: 1 }, { ...to, attempts: 2, deadline: 60_000 });
    await expect(submitters.result(id)).rejects.toMatchObject({ reason: { message: 'not at attempt 2' } });
    const failed = await tasks.attempts(id);
    expect(failed).toMatchObject(
      [1, 2].map((attempt) => ({
        attempt,
        agentId: 'counter-1',
        outcome: 'failed',
        error: { message: `not at attempt ${attempt}` },
        assignedAt: expect.any(Date),
        startedAt: expect.any(Date),
        endedAt: expect.any(Date),
      })),
    );
    isFailing = false;
    const first = await tasks.find(id);
    expect(await tasks.retry(id)).toBe(true);
    const { part } = (await submitters.result(id)) as { part: string };
    expect(counted).toEqual([1, 0, 1, 1]);
    const [begun] = (await tasks.attempts(id)).slice(-1);
    expect(begun).toMatchObject({ attempt: 3, outcome: 'completed', error: null });
    const last = await tasks.find(id);
    const later = (last?.deadline.getTime() ?? 0) - (first?.deadline.getTime() ?? 0);
    expect(last).toMatchObject({ state: 'completed', failures: 0 });
    expect(later).toBeGreaterThan(0);
    expect(later).toBeLessThanOrEqual((begun?.assignedAt.getTime() ?? 0) - (first?.createdAt.getTime() ?? 0));
    expect(await tasks.retry(id)).toBe(false);
    await expect(tasks.retry(part)).rejects.toThrow(
      new InvalidTaskError(
        'id',
        `${part} is a part of task ${id}: retry that one, whose completed parts are not done again`,
      ),
    );
    await expect(tasks.retry('unknown')).rejects.toThrow(UnknownTaskError);
  });

  it('is not watched when it is unknown, nor any more when the signal aborts', async () => {
    await expect(watch('unknown').end).rejects.toThrow(UnknownTaskError);
    await expect(watch('a\0b').end).rejects.toThrow(UnknownTaskError);
    const id = await submitters.submit(CountUp, { to: 1 }, { to: { role: 'nobody' } });
    const given = new AbortController();
    const reading = (async () => {
      for await (const event of tasks.watch(id, { signal: given.signal })) {
        expect(event).toMatchObject({ task: { state: 'queued' } });
        setImmediate(() => given.abort(new Error('had enough')));
      }
    })();
    await expect(reading).rejects.toThrow('had enough');
  });
});
