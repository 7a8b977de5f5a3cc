import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable } from '@nestjs/common';
import { Agent, AgentIdentity, Ctx } from 'agentmq/agent';
import { AgentMQError, Contract, ContractViolationError } from 'agentmq/protocol';
import {
  CoordinatorsModule,
  InvalidTaskError,
  PipelineBusyError,
  PipelineFullError,
  Pipelines,
  PipelinesModule,
  type PipelineStage,
  Strategies,
  Task,
  TaskCancelledError,
  TaskContext,
  Tasks,
  UnknownPipelineError,
  UnknownTaskError,
} from 'agentmq/coordination';
import { IsArray, IsInt, IsString } from 'class-validator';
import { testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

class Step {
  @IsInt()
  n!: number;

  /** What is to happen, and at which stage: `hang clean`, e.g. */
  @IsString()
  way!: string;

  /** Who has done the stages before. */
  @IsArray()
  trail!: string[];
}

@Contract({ type: 'parse' })
class Parse extends Step {}
@Contract({ type: 'clean' })
class Clean extends Step {}
@Contract({ type: 'analyse' })
class Analyse extends Step {}
@Contract({ type: 'report' })
class Report extends Step {}
@Contract({ type: 'reported' })
class Reported extends Step {}

class Refused extends AgentMQError {
  readonly code = 'REFUSED';
}

const STAGES: readonly PipelineStage[] = [
  { name: 'parse', contract: Parse, to: { role: 'reader' } },
  { name: 'clean', contract: Clean, to: { capability: 'cleaning' } },
  { name: 'analyse', contract: Analyse, to: { role: 'analyst' } },
  { name: 'report', contract: Report, to: { role: 'reporter' } },
];
const NAMES = STAGES.map(({ name }) => name);
const WAIT_MS = 20_000;
const MAX_MESSAGE_BYTES = 65_536;

describe.each([{ bus: testBus.name }, { bus: 'in_memory' }])('pipelines over $bus', ({ bus }) => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: bus,
    RABBITMQ_QUEUE_TYPE: 'classic',
    MESSAGE_BUS_MAX_MESSAGE_BYTES: String(MAX_MESSAGE_BYTES),
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.4',
  });
  Object.assign(system.settings, { registry: { heartbeatInterval: 300, agentTimeout: 2_000 }, shutdownTimeout: 500 });
  /** Who has begun what, in order; and who was told to stop. */
  const begun: { readonly n: number; readonly stage: string; readonly by: string }[] = [];
  const stopped: string[] = [];
  /** What each stage of a run was caused by. */
  const causes = new Map<string, string | undefined>();
  const underWay = new Map<string, number>();
  const most = new Map<string, number>();
  /** What hangs, hangs until its number is in here. */
  const open = new Set<number>();
  const agents = new Map<string, INestApplicationContext>();
  let count = 0;

  @Injectable()
  class Doer {
    constructor(private readonly identity: AgentIdentity) {}

    protected async work(stage: string, { n, way, trail }: Step, { signal, message }: TaskContext): Promise<Step> {
      causes.set(`${stage} ${n}`, message.causationId);
      begun.push({ n, stage, by: this.identity.id });
      underWay.set(stage, (underWay.get(stage) ?? 0) + 1);
      most.set(stage, Math.max(most.get(stage) ?? 0, underWay.get(stage) ?? 0));
      try {
        if (way === `fail ${stage}`) throw new Error(`${stage} is no use`);
        if (way === `refuse ${stage}`) throw new Refused('never');
        if (way === `twist ${stage}`) return { n } as Step;
        if (way === `hang ${stage}`) await until('the way to be free', () => open.has(n) || signal.aborted, 60_000);
        if (signal.aborted) stopped.push(`${stage} ${n}`);
        signal.throwIfAborted();
        return { n, way, trail: [...trail, `${stage} by ${this.identity.id}`] };
      } finally {
        underWay.set(stage, (underWay.get(stage) ?? 0) - 1);
      }
    }
  }

  @Agent({ role: 'reader', concurrency: 16 })
  class Reader extends Doer {
    @Task(Parse)
    parse(step: Parse, @Ctx() context: TaskContext): Promise<Step> {
      return this.work('parse', step, context);
    }
  }

  @Agent({ role: 'cleaner', capabilities: ['cleaning'], concurrency: 16 })
  class Cleaner extends Doer {
    @Task(Clean)
    clean(step: Clean, @Ctx() context: TaskContext): Promise<Step> {
      return this.work('clean', step, context);
    }
  }

  @Agent({ role: 'analyst', concurrency: 16 })
  class Analyst extends Doer {
    @Task(Analyse, { transactional: true })
    analyse(step: Analyse, @Ctx() context: TaskContext): Promise<Step> {
      return this.work('analyse', step, context);
    }
  }

  @Agent({ role: 'reporter', concurrency: 16 })
  class Reporter extends Doer {
    @Task(Report)
    report(step: Report, @Ctx() context: TaskContext): Promise<Step> {
      return this.work('report', step, context);
    }
  }

  @Agent({ role: 'boss' })
  class Boss {}

  const start = async (id: string, controller: new (...args: never[]) => object): Promise<void> => {
    const imports = controller === Boss ? [PipelinesModule, CoordinatorsModule] : [PipelinesModule];
    agents.set(id, await system.start({ id, controllers: [controller], imports }));
  };
  const startAll = async (generation: string): Promise<void> => {
    await Promise.all(
      Object.entries({ boss: Boss, reader: Reader, cleaner: Cleaner, analyst: Analyst, reporter: Reporter }).map(
        ([name, controller]) => start(`${name}${generation}`, controller),
      ),
    );
    pipelines.define('intake', STAGES);
  };
  const stop = async (id: string): Promise<void> => {
    await agents.get(id)?.close();
    agents.delete(id);
  };
  /** Of whichever boss there is. */
  const boss = (): INestApplicationContext =>
    [...agents].find(([id]) => id.startsWith('boss'))?.[1] as INestApplicationContext;
  const pipelines = {
    define: (...args: Parameters<Pipelines['define']>) =>
      boss()
        .get(Pipelines)
        .define(...args),
    get now(): Pipelines {
      return boss().get(Pipelines);
    },
  };
  const step = (way = 'pass'): Step => ({ n: count++, way, trail: [] });
  const stagesBegun = (n: number): string[] => begun.filter((each) => each.n === n).map(({ stage }) => stage);
  /** How many runs of a pipeline are at each stage: waiting, and with agents. */
  const crowd = async (pipeline: string): Promise<Record<string, [number, number]>> => {
    const rows = await system.store.database.query<{ lane: string; queued: number; assigned: number }>(
      `SELECT lane, count(*) FILTER (WHERE state = 'queued')::integer AS queued,
         count(*) FILTER (WHERE state = 'assigned')::integer AS assigned
       FROM ${system.namespace}.tasks WHERE lane LIKE '${pipeline}/%' AND state IN ('queued', 'assigned') GROUP BY lane`,
    );
    return Object.fromEntries(rows.map(({ lane, queued, assigned }) => [lane.split('/')[1], [queued, assigned]]));
  };

  beforeAll(async () => {
    await system.store.database.migrate();
    await startAll('-1');
  });
  afterAll(() => system.close());

  it('take what comes through all stages, each by an agent that is able', async () => {
    const input = step();
    const id = await pipelines.now.start('intake', input);
    const result = await pipelines.now.result(id, { answer: Reported });
    expect(result).toBeInstanceOf(Reported);
    expect(result).toEqual({
      ...input,
      trail: ['parse by reader-1', 'clean by cleaner-1', 'analyse by analyst-1', 'report by reporter-1'],
    });
    const run = await pipelines.now.find(id);
    expect(await pipelines.now.list({ pipeline: 'intake', state: 'completed', limit: 1 })).toEqual([run]);
    expect(run).toMatchObject({ id, pipeline: 'intake', state: 'completed', submitter: 'boss-1', error: null, result });
    expect(run?.stages.map(({ name, agentId, state, attempt }) => [name, agentId, state, attempt])).toEqual([
      ['parse', 'reader-1', 'completed', 1],
      ['clean', 'cleaner-1', 'completed', 1],
      ['analyse', 'analyst-1', 'completed', 1],
      ['report', 'reporter-1', 'completed', 1],
    ]);
    const ids = run?.stages.map(({ taskId }) => taskId) ?? [];
    expect(NAMES.slice(1).map((name) => causes.get(`${name} ${input.n}`))).toEqual(ids.slice(0, -1));
    const times = run?.stages.flatMap(({ reachedAt, startedAt, finishedAt }) => [reachedAt, startedAt, finishedAt]);
    expect(times).toEqual([...(times ?? [])].sort((a, b) => Number(a) - Number(b)));
    expect(times).not.toContain(null);
  });

  it('hand on what is larger than a message may be', async () => {
    const large = 'x'.repeat(2 * MAX_MESSAGE_BYTES);
    const { trail } = await pipelines.now.run('intake', { ...step(), trail: [large] }, { answer: Reported });
    expect([trail.length, trail[0] === large]).toEqual([5, true]);
  });

  it('do no more at once than a stage may, and pause while enough waits for the next one', async () => {
    const [parse, clean, analyse, report] = STAGES as [PipelineStage, PipelineStage, PipelineStage, PipelineStage];
    pipelines.define('narrow', [
      { ...parse, concurrency: 3 },
      { ...clean, concurrency: 2, buffer: 4 },
      { ...analyse, concurrency: 1, buffer: 3 },
      report,
    ]);
    most.clear();
    const inputs = Array.from({ length: 12 }, () => step('hang analyse'));
    const waited = { clean: 0, analyse: 0 };
    const ids = await Promise.all(inputs.map((input) => pipelines.now.start('narrow', input)));
    const look = async (): Promise<Awaited<ReturnType<typeof crowd>>> => {
      const found = await crowd('narrow');
      for (const stage of ['clean', 'analyse'] as const)
        waited[stage] = Math.max(waited[stage], found[stage]?.[0] ?? 0);
      return found;
    };
    const full = { parse: [4, 0], clean: [4, 0], analyse: [3, 1] };
    await until('no stage to have anything to do', async () => isSame(await look(), full), WAIT_MS);
    for (const { n } of inputs) open.add(n);
    const results = Promise.all(ids.map((id) => pipelines.now.result(id, { answer: Reported })));
    await until('the end', async () => isSame(await look(), {}), WAIT_MS);
    expect((await results).map(({ n }) => n)).toEqual(inputs.map(({ n }) => n));
    expect(waited).toEqual({ clean: 4, analyse: 3 });
    expect(most.get('analyse')).toBe(1);
    expect(most.get('clean')).toBeLessThanOrEqual(2);
    expect(most.get('parse')).toBeLessThanOrEqual(3);
    for (const { n } of inputs) expect(stagesBegun(n)).toEqual(NAMES);
  });

  it('go on at the stage that they have reached when its agent is gone', async () => {
    const input = step('hang clean');
    const id = await pipelines.now.start('intake', input);
    await until('it is cleaned', () => stagesBegun(input.n).includes('clean'));
    const stopping = stop('cleaner-1');
    await start('cleaner-2', Cleaner);
    open.add(input.n);
    await stopping;
    expect(await pipelines.now.result(id)).toMatchObject({ n: input.n });
    expect(stagesBegun(input.n).filter((stage) => stage !== 'clean')).toEqual(['parse', 'analyse', 'report']);
  });

  it('go on at the stage that they have reached when everything is stopped and started again', async () => {
    const inputs = NAMES.map((name) => step(`hang ${name}`));
    const ids = await Promise.all(inputs.map((input) => pipelines.now.start('intake', input)));
    await until('all hang', () => inputs.every(({ n }, place) => stagesBegun(n).length === place + 1), WAIT_MS);
    await Promise.all([...agents.keys()].map(stop));
    for (const { n } of inputs) open.add(n);
    await startAll('-3');
    const results = await Promise.all(ids.map((id) => pipelines.now.result(id, { answer: Reported })));
    for (const [place, { n, trail }] of results.entries()) {
      expect(n).toBe(inputs[place]?.n);
      expect(trail.map((each) => each.slice(-2))).toEqual(
        NAMES.map((_, at) => (at < place ? trail[at]?.slice(-2) : '-3')),
      );
      // only the one that was under way is begun twice
      expect(stagesBegun(n).filter((stage) => stage !== NAMES[place])).toEqual(NAMES.filter((_, at) => at !== place));
    }
  });

  it('fail with what a stage has failed with for good, and say which', async () => {
    const id = await pipelines.now.start('intake', step('refuse clean'));
    const failure = pipelines.now.result(id);
    await expect(failure).rejects.toMatchObject({
      code: 'PIPELINE_FAILED',
      stage: 'clean',
      reason: { code: 'REFUSED' },
    });
    const run = await pipelines.now.find(id);
    expect(run?.state).toBe('failed');
    expect(run?.error).toMatchObject({ message: 'stage clean has failed', details: { stage: 'clean' } });
    expect(run?.stages.map(({ state }) => state)).toEqual(['completed', 'failed', 'pending', 'pending']);
    const reader = agents.get('reader-3');
    reader?.get(Strategies).add('own', () => ({ choose: ([first]) => first }));
    reader?.get(Pipelines).define('odd', [{ ...STAGES[0], strategy: 'own' } as PipelineStage]);
    const odd = reader?.get(Pipelines).run('odd', step());
    await expect(odd).rejects.toMatchObject({ stage: 'parse', reason: { code: 'UNKNOWN_STRATEGY' } });
  });

  it('fail at a stage whose contract is not kept by what the one before has returned', async () => {
    const input = step('twist parse');
    const id = await pipelines.now.start('intake', input);
    const failure = pipelines.now.result(id);
    await expect(failure).rejects.toMatchObject({ stage: 'clean', reason: { code: 'CONTRACT_VIOLATION' } });
    expect(stagesBegun(input.n)).toEqual(['parse']);
    expect((await pipelines.now.find(id))?.stages[1]).toMatchObject({ name: 'clean', state: 'failed', attempt: 1 });
  });

  it('end with their time, and say where they stood', async () => {
    const input = step('hang analyse');
    const late = pipelines.now.run('intake', input, { deadline: 1_000 });
    await expect(late).rejects.toMatchObject({ stage: 'analyse', reason: { code: 'TASK_DEADLINE_EXCEEDED' } });
    await until('its agent to be told', () => stopped.includes(`analyse ${input.n}`));
  });

  it('can be cancelled, by the run or by the stage, whose agent is told', async () => {
    const cancelled = async (by: (id: string) => Promise<string | null | undefined>): Promise<void> => {
      const input = step('hang clean');
      const id = await pipelines.now.start('intake', input);
      await until('it is cleaned', () => stagesBegun(input.n).includes('clean'));
      expect(
        await boss()
          .get(Tasks)
          .cancel((await by(id)) ?? '', 'no need'),
      ).toBe(true);
      await expect(pipelines.now.result(id)).rejects.toThrow(TaskCancelledError);
      await until('its agent to be told', () => stopped.includes(`clean ${input.n}`));
      const run = await pipelines.now.find(id);
      expect(run).toMatchObject({ state: 'cancelled', error: { message: 'no need' } });
      expect(run?.stages.map(({ state }) => state)).toEqual(['completed', 'cancelled', 'pending', 'pending']);
      expect(await pipelines.now.cancel(id, 'again')).toBe(false);
      const retry = (task: string | null | undefined) =>
        boss()
          .get(Tasks)
          .retry(task ?? '');
      await expect(retry(id)).rejects.toThrow(`${id} is a run of a pipeline, which is not tried again`);
      await expect(retry(run?.stages[1]?.taskId)).rejects.toThrow(`is a stage of ${id}, a run of a pipeline`);
    };
    await cancelled(async (id) => id);
    await cancelled(async (id) => (await pipelines.now.find(id))?.stages[1]?.taskId);
    const given = new AbortController();
    const input = step('hang report');
    const running = pipelines.now.run('intake', input, { signal: given.signal });
    await until('it is reported', () => stagesBegun(input.n).includes('report'));
    given.abort(new Error('had enough'));
    await expect(running).rejects.toThrow('had enough');
    await until('its agent to be told', () => stopped.includes(`report ${input.n}`));
  });

  it('leave nothing to do when they are cancelled, at whatever moment', async () => {
    const ids = await Promise.all(Array.from({ length: 30 }, () => pipelines.now.start('intake', step())));
    for (const id of ids) await pipelines.now.cancel(id, 'no need');
    const tasks = `${system.namespace}.tasks`;
    const left = `SELECT t.id FROM ${tasks} t JOIN ${tasks} run ON run.id = t.parent_id
      WHERE t.finished_at IS NULL AND run.finished_at IS NOT NULL`;
    expect(await system.store.database.query(left)).toEqual([]);
  });

  it('take no more runs than may be open, at once or after a while', async () => {
    pipelines.define('small', STAGES, { maxRuns: 3 });
    const inputs = Array.from({ length: 8 }, () => step('hang parse'));
    // on a busy machine the others' transactions may be open for longer than one waits for them
    const start = (input: object): Promise<string> =>
      until('a start that no other one holds up', () =>
        pipelines.now.start('small', input).catch((error: unknown) => {
          if (error instanceof PipelineBusyError) return undefined;
          throw error;
        }),
      );
    const starts = await Promise.allSettled(inputs.map((input) => start(input)));
    const ids = starts.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const refused = starts.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    expect(ids).toHaveLength(3);
    for (const error of refused) expect(error).toBeInstanceOf(PipelineFullError);
    await expect(pipelines.now.start('small', step(), { wait: 50 })).rejects.toThrow(PipelineFullError);
    const given = new AbortController();
    const abandoned = pipelines.now.start('small', step(), { wait: WAIT_MS, signal: given.signal });
    const waiting = [step(), step()].map((input) => pipelines.now.start('small', input, { wait: WAIT_MS }));
    given.abort(new Error('had enough'));
    await expect(abandoned).rejects.toThrow('had enough');
    for (const { n } of inputs) open.add(n);
    const started = await Promise.all(waiting);
    await Promise.all([...ids, ...started].map((id) => pipelines.now.result(id)));
  });

  it('are started with the caller’s own commit, or not at all', async () => {
    let lost = '';
    const rolledBack = system.store.database.transaction(async (transaction) => {
      lost = await pipelines.now.start('intake', step(), { transaction });
      throw new Error('rolled back');
    });
    await expect(rolledBack).rejects.toThrow('rolled back');
    await expect(pipelines.now.result(lost)).rejects.toThrow(UnknownTaskError);
    expect(await pipelines.now.find(lost)).toBeUndefined();
    const kept = await system.store.database.transaction((transaction) =>
      pipelines.now.start('small', step(), { transaction }),
    );
    expect(await pipelines.now.result(kept)).toMatchObject({ way: 'pass' });
  });

  it('are refused for what is wrong, which is named', async () => {
    await expect(pipelines.now.start('outtake', step())).rejects.toThrow(UnknownPipelineError);
    await expect(pipelines.now.start('intake', { n: 1 })).rejects.toThrow(ContractViolationError);
    for (const [field, value] of Object.entries({ wait: -1, priority: 11, deadline: 0, key: '' })) {
      const error = await pipelines.now.start('intake', step(), { [field]: value }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(InvalidTaskError);
      expect(error).toMatchObject({ field });
    }
  });
});

const isSame = (one: object, other: object): boolean => {
  const text = (of: object): string => JSON.stringify(Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1)));
  return text(one) === text(other);
};
