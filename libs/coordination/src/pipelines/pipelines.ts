import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { AgentServer } from 'agentmq/agent';
import { MAX_TTL_MS, newMessageId, type PayloadClass, type WireError } from 'agentmq/protocol';
import { LONGEST_TIMER_MS } from 'agentmq/time';
import { BusStoppedError } from 'agentmq/messaging';
import { Strategies } from '../distribution/balancing/strategies.js';
import { checkWhole } from '../tasks/draft.js';
import { InvalidTaskError, TaskFailedError } from '../tasks/errors.js';
import { joinedTransaction } from '../tasks/joined-transaction.js';
import { TaskNotices } from '../tasks/notices.js';
import { type ResultOptions, Tasks } from '../tasks/client/tasks.js';
import { definitionOf, type PipelineDefinition } from './definition.js';
import { Entrance } from './entrance.js';
import {
  InvalidPipelineError,
  PipelineBusyError,
  PipelineFailedError,
  PipelineFullError,
  UnknownPipelineError,
} from './errors.js';
import type { PipelineOptions, PipelineRun, PipelineStage, RunFilter, RunOptions } from './pipeline.js';
import { destinationOf, PipelineStore } from './pipeline-store.js';
import { runOf, stageReached } from './run.js';

const DEFAULT_LIMIT = 100;
const MOST_RUNS = 1_000;

/**
 * Flows of several stages, each a task for whichever agent is able, which gets what the stage before has returned. A run goes
 * on at the stage that it has reached, whatever dies. A coordinator has to run, as for all tasks. See docs/PIPELINES.md.
 */
@Injectable()
export class Pipelines implements OnModuleDestroy {
  private readonly definitions = new Map<string, PipelineDefinition>();
  private readonly entrances = new Map<string, Entrance>();
  private callOff: (() => void) | undefined;

  constructor(
    private readonly strategies: Strategies,
    private readonly tasks: Tasks,
    private readonly notices: TaskNotices,
    private readonly server: AgentServer,
    private readonly runs: PipelineStore,
  ) {}

  /**
   * From now on this process can start runs of it. A run has its stages on record: agents that do them need no definition, and
   * another one concerns later runs only. Throws {@link InvalidPipelineError} naming the field.
   */
  define(name: string, stages: readonly PipelineStage[], options: PipelineOptions = {}): void {
    const definition = definitionOf(name, stages, options, this.strategies.names);
    if (this.definitions.has(name)) throw new InvalidPipelineError('name', `"${name}" is there already`);
    this.definitions.set(name, definition);
  }

  /**
   * Resolves with the run's id once it is committed (in a transaction: written there): from then on it ends as completed,
   * failed or cancelled. Rejects with {@link UnknownPipelineError}; {@link PipelineFullError}, {@link PipelineBusyError};
   * `BusStoppedError` while it waits; and for a wrong input or option as `Tasks.submit` does.
   */
  async start(name: string, input: object, options: RunOptions = {}): Promise<string> {
    const definition = this.definitionOf(name);
    const { priority, key, deadline, wait = 0, signal } = options;
    checkWhole('wait', wait, MAX_TTL_MS, 0);
    signal?.throwIfAborted();
    const transaction = joinedTransaction(this.runs.database, options.transaction);
    const start = async (): Promise<string | undefined> => {
      // drafted anew at each attempt: the deadline counts from the start
      const draft = await this.tasks.draft(definition.input, input, { priority, key, deadline });
      const run = { ...draft, destination: destinationOf(name) };
      const { stages, maxRuns } = definition;
      const stageId = newMessageId();
      if (!(await this.runs.start(run, stages, stageId, maxRuns, transaction))) return undefined;
      const tell = (): void => this.notices.queued([stageId]);
      if (transaction) transaction.onCommit(tell);
      else tell();
      return run.id;
    };
    let busy: PipelineBusyError | undefined;
    const startUnlessBusy = async (): Promise<string | undefined> => {
      busy = undefined;
      return start().catch((error: unknown) => {
        if (!(error instanceof PipelineBusyError)) throw error;
        busy = error;
        return undefined;
      });
    };
    const id =
      wait > 0 && definition.maxRuns !== undefined && !transaction
        ? await this.enter(name, startUnlessBusy, wait, signal)
        : await startUnlessBusy();
    if (id === undefined && busy) throw busy;
    if (id === undefined) throw new PipelineFullError(name, definition.maxRuns ?? 0);
    return id;
  }

  /**
   * Resolves with the result of the last stage, of this process's run or another's; waits for a database that is away. Rejects
   * with {@link PipelineFailedError}, and else as `Tasks.result` does.
   */
  async result<Answer extends object>(
    id: string,
    options: ResultOptions<Answer> & { readonly answer: PayloadClass<Answer> },
  ): Promise<Answer>;
  async result(id: string, options?: ResultOptions<object>): Promise<unknown>;
  async result(id: string, options: ResultOptions<object> = {}): Promise<unknown> {
    try {
      return await this.tasks.result(id, options);
    } catch (error) {
      throw error instanceof TaskFailedError ? ((await this.failureOf(error)) ?? error) : error;
    }
  }

  /** {@link start}, then {@link result}; not in a transaction. With the signal aborted the run is cancelled. */
  async run<Answer extends object>(
    name: string,
    input: object,
    options: RunOptions & ResultOptions<Answer> & { readonly answer: PayloadClass<Answer> },
  ): Promise<Answer>;
  async run(name: string, input: object, options?: RunOptions & ResultOptions<object>): Promise<unknown>;
  async run(name: string, input: object, options: RunOptions & ResultOptions<object> = {}): Promise<unknown> {
    const { answer, signal } = options;
    if (joinedTransaction(this.runs.database, options.transaction))
      throw new InvalidTaskError('transaction', 'is committed only after what would be waited for in it');
    const id = await this.start(name, input, options);
    try {
      return await this.result(id, { answer, signal });
    } catch (error) {
      if (signal?.aborted) await this.cancel(id, 'its caller waits for it no longer').catch(() => undefined);
      throw error;
    }
  }

  /** A run as it is on record, with its result if it has one. */
  async find(id: string): Promise<PipelineRun | undefined> {
    return runOf(await this.runs.rows(id));
  }

  /** Runs of all pipelines, newest first. Rejects with `InvalidTaskError` naming the field. */
  async list({ limit = DEFAULT_LIMIT, ...filter }: RunFilter = {}): Promise<PipelineRun[]> {
    checkWhole('limit', limit, MOST_RUNS);
    return (await this.runs.list({ ...filter, limit })).flatMap((rows) => runOf(rows) ?? []);
  }

  /** Cancels a run, the stage included that is under way, as `Tasks.cancel` does. Resolves with whether it was an open run. */
  async cancel(id: string, reason: string): Promise<boolean> {
    if (!(await this.find(id))) return false;
    return this.tasks.cancel(id, reason);
  }

  onModuleDestroy(): void {
    this.callOff?.();
  }

  private definitionOf(name: string): PipelineDefinition {
    const definition = this.definitions.get(name);
    if (!definition) throw new UnknownPipelineError(name, [...this.definitions.keys()]);
    return definition;
  }

  /** What a stage has failed with is in the run's own error; when its time was over, only the stages tell where it stood. */
  private async failureOf({ taskId, reason }: TaskFailedError): Promise<PipelineFailedError | undefined> {
    const { stage, reason: of } = (reason.details ?? {}) as { stage?: string; reason?: WireError };
    if (stage !== undefined && of) return new PipelineFailedError(taskId, stage, of);
    const run = await this.find(taskId);
    return run && new PipelineFailedError(taskId, stageReached(run.stages), reason);
  }

  private async enter(
    name: string,
    start: () => Promise<string | undefined>,
    wait: number,
    given: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const { stopping } = this.server;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), Math.min(wait, LONGEST_TIMER_MS));
    const signals = [stopping, over.signal, ...(given ? [given] : [])];
    // a run of this agent's that ends makes room, of whichever pipeline; runs of other agents are seen at the next look
    this.callOff ??= this.notices.on('settled', () => {
      for (const each of this.entrances.values()) each.wake();
    });
    let entrance = this.entrances.get(name);
    if (!entrance) this.entrances.set(name, (entrance = new Entrance()));
    const id = await entrance.enter(start, AbortSignal.any(signals)).finally(() => clearTimeout(timer));
    if (id !== undefined) return id;
    given?.throwIfAborted();
    if (stopping.aborted) throw new BusStoppedError();
    return undefined;
  }
}
