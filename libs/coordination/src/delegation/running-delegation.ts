import { setMaxListeners } from 'node:events';
import { AgentMQError, contractOf, errorText, type PayloadClass, toWireError } from 'agentmq/protocol';
import { LONGEST_TIMER_MS } from 'agentmq/time';
import { BusStoppedError, currentMessage } from 'agentmq/messaging';
import { whileStoreIsAway } from 'agentmq/database';
import pMap, { pMapIterable, pMapStop } from 'p-map';
import type { Assignments } from '../tasks/worker/assignments.js';
import { isKey } from '../tasks/draft.js';
import {
  InvalidTaskError,
  TaskCancelledError,
  TaskDeadlineError,
  TaskFailedError,
  TaskTakenError,
} from '../tasks/errors.js';
import type { RunningTask } from '../tasks/worker/task-context.js';
import { cancelledBy } from '../tasks/store/settled.js';
import type { Tasks } from '../tasks/client/tasks.js';
import type { Delegated, DelegationOptions, Part, UnfinishedPart } from './delegated.js';
import { NoTimeLeftError, PartFailedError } from './errors.js';
import type { DelegationTerms } from './terms.js';

const MAX_KEY = 200;

interface Job<P extends object> {
  readonly contract: PayloadClass<P>;
  readonly options: DelegationOptions<P, object>;
  readonly terms: DelegationTerms;
  readonly whole: RunningTask | undefined;
  /** Of the delegation, in the keys of its parts. */
  readonly name: string;
}

type Work<P> = (payload: P, index: number) => Promise<Part<unknown> | typeof pMapStop>;

/** One delegation under way. */
export class RunningDelegation<P extends object> {
  private readonly keys = new Set<string>();
  private readonly open = new Set<string>();
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly stop = new AbortController();
  private readonly signal: AbortSignal;
  private late: UnfinishedPart | undefined;

  constructor(
    private readonly tasks: Tasks,
    private readonly assignments: Assignments,
    private readonly job: Job<P>,
  ) {
    const signals = [job.whole?.signal, job.options.signal, this.stop.signal];
    this.signal = AbortSignal.any(signals.filter((signal) => signal !== undefined));
    // each open part listens to it
    setMaxListeners(0, this.signal);
  }

  async run(pieces: Iterable<P> | AsyncIterable<P>): Promise<Delegated<unknown>> {
    const { options, terms } = this.job;
    const work: Work<P> = (payload, index) => {
      const part = this.part(payload, index);
      this.underWay.add(part);
      const forget = (): boolean => this.underWay.delete(part);
      part.then(forget, forget);
      return part;
    };
    try {
      if (options.each) return await this.handOver(pieces, work, options.each);
      const all = await pMap(pieces, work, { concurrency: terms.concurrency, signal: this.signal });
      const parts = this.late ? [...all, this.late] : all;
      return {
        parts,
        complete: this.late === undefined,
        results: parts.flatMap((part) => (part.state === 'completed' ? [part.result] : [])),
        unfinished: parts.filter((part) => part.state !== 'completed'),
      };
    } catch (error) {
      await this.giveUp(error);
      throw error;
    }
  }

  private async handOver(
    pieces: Iterable<P> | AsyncIterable<P>,
    work: Work<P>,
    each: (part: Part<object>) => void | Promise<void>,
  ): Promise<Delegated<unknown>> {
    const { concurrency } = this.job.terms;
    const unfinished: UnfinishedPart[] = [];
    const take = async (part: Part<unknown>): Promise<void> => {
      if (part.state !== 'completed') unfinished.push(part);
      await each(part as Part<object>);
    };
    // what fails would else be told in its turn, after all before it
    const failAtOnce = (error: unknown): never => {
      this.stop.abort(error);
      throw error;
    };
    const source = async function* (): AsyncGenerator<P> {
      try {
        yield* pieces;
      } catch (error) {
        failAtOnce(error);
      }
    };
    const takeAll = async (): Promise<void> => {
      const working: Work<P> = (payload, index) => work(payload, index).catch(failAtOnce);
      for await (const part of pMapIterable(source(), working, { concurrency, backpressure: concurrency })) {
        if (this.signal.aborted) return;
        await take(part);
      }
      if (this.late) await take(this.late);
    };
    this.signal.throwIfAborted();
    const aborted = new Promise<never>((_, reject) =>
      this.signal.addEventListener('abort', () => reject(this.signal.reason as Error)),
    );
    await Promise.race([takeAll(), aborted]);
    return { parts: [], results: [], unfinished, complete: this.late === undefined };
  }

  private async part(payload: P, index: number): Promise<Part<unknown> | typeof pMapStop> {
    const key = this.keyOf(payload, index);
    let taskId: string | undefined;
    try {
      const time = this.job.terms.timeFor(performance.now());
      taskId = await this.submit(key, payload, time);
      const result = await this.resultOf(taskId, time);
      return { key, taskId, state: 'completed', result };
    } catch (error) {
      const { onFailure } = this.job.terms;
      if (error instanceof NoTimeLeftError && onFailure === 'partial') {
        this.late ??= { key, taskId: undefined, state: 'failed', error: toWireError(error) };
        return pMapStop;
      }
      const part = await this.unfinished(key, taskId, error);
      if (onFailure === 'fail-fast') throw new PartFailedError(key, part.taskId, part.state, part.error);
      return part;
    }
  }

  private keyOf(payload: P, index: number): string {
    const { keyOf = (_: P, place: number) => `${place}` } = this.job.options;
    const key: unknown = keyOf(payload, index);
    if (!isKey(key, MAX_KEY))
      throw new InvalidTaskError(
        'keyOf',
        `gives piece ${index} a key that is not a text of 1 to ${MAX_KEY} characters without NUL`,
      );
    if (!this.job.options.keyOf) return key;
    if (this.keys.has(key)) throw new InvalidTaskError('keyOf', `gives two pieces the key "${key}"`);
    this.keys.add(key);
    return key;
  }

  private async submit(key: string, payload: P, time: number | undefined): Promise<string> {
    const { tasks } = this;
    const { contract, whole, terms, options, name } = this.job;
    const { to, strategy } = options;
    const priority = options.priority ?? (whole ? currentMessage()?.priority : undefined);
    const given = {
      to,
      strategy,
      key: strategy === 'consistent-hash' ? key : undefined,
      priority,
      attempts: terms.attempts,
      deadline: time,
      onFailure: terms.onFailure,
    };
    const make = (): Promise<string> => {
      if (!whole) return tasks.submit(contract, payload, given);
      const part = { taskId: whole.id, key: `${name}/${key}`, assignment: whole.assignment };
      // the same part twice is one part
      return whileStoreIsAway(this.signal, () => tasks.submitPart(part, contract, payload, given));
    };
    const id = await make();
    this.open.add(id);
    return id;
  }

  private async resultOf(taskId: string, time: number | undefined): Promise<unknown> {
    const { answer } = this.job.options;
    // Agents notice by themselves when their time is over. This is for agents that are dead, and parts that no agent has begun.
    const over =
      time === undefined || time > LONGEST_TIMER_MS ? undefined : setTimeout(() => this.endLate(taskId), time);
    try {
      const result = await this.tasks.result(taskId, { answer, signal: this.signal });
      this.open.delete(taskId);
      return result;
    } finally {
      clearTimeout(over);
    }
  }

  private endLate(taskId: string): void {
    const error = toWireError(new TaskDeadlineError(taskId));
    // the dispatcher ends it a little later
    this.tasks.end([taskId], { state: 'failed', error }, this.job.whole).catch(() => undefined);
  }

  /** Throws what is no outcome of the part. */
  private async unfinished(
    key: string,
    taskId: string | undefined,
    error: unknown,
  ): Promise<UnfinishedPart & { readonly taskId: string }> {
    const { whole } = this.job;
    // Cancelled with the whole, or refused for it: then its method is told to stop.
    const isOver = error instanceof TaskTakenError || error instanceof TaskCancelledError;
    if (whole && isOver && (await this.assignments.isLost(whole.assignment))) throw new TaskTakenError(whole.id);
    if (taskId === undefined || !isOutcome(error) || this.signal.aborted) throw error;
    this.open.delete(taskId);
    if (error instanceof TaskFailedError) return { key, taskId, state: 'failed', error: error.reason };
    const wire = toWireError(error);
    if (error instanceof TaskCancelledError) return { key, taskId, state: 'cancelled', error: wire };
    const message = `it is done, but its result is not what was asked for: ${wire.message}`;
    return { key, taskId, state: 'failed', error: { ...wire, message } };
  }

  /**
   * Cancels what is open, unless it is the task itself that goes on elsewhere, or ends: its next attempt finds its parts,
   * and they end with it.
   */
  private async giveUp(cause: unknown): Promise<void> {
    this.stop.abort(cause);
    await Promise.allSettled(this.underWay);
    const { whole } = this.job;
    if (whole && (whole.signal.aborted || cause instanceof TaskTakenError || cause instanceof BusStoppedError)) return;
    // the pieces' source may quote a piece
    const isSensitive = (whole?.sensitive ?? false) || contractOf(this.job.contract).sensitive;
    const reason = isSensitive ? toWireError(cause).name : errorText(cause);
    await this.tasks
      .end([...this.open], { state: 'cancelled', error: cancelledBy(reason) }, whole)
      // they end with the whole, or when their time is over
      .catch(() => undefined);
  }
}

/** What `Tasks.result` says of a task that is settled. */
const isOutcome = (error: unknown): error is AgentMQError =>
  error instanceof TaskFailedError ||
  error instanceof TaskCancelledError ||
  (error instanceof AgentMQError && error.code === 'CONTRACT_VIOLATION');
