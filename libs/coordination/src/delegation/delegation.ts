import { Injectable } from '@nestjs/common';
import { AgentMQError, contractOf, errorText, type PayloadClass, toWireError, type WireError } from 'agentmq/protocol';
import { BusStoppedError, currentMessage, currentTransaction } from 'agentmq/messaging';
import { whileStoreIsAway } from 'agentmq/database';
import pMap, { pMapStop } from 'p-map';
import type { Destination } from '../distribution/destination.js';
import { Assignments } from '../tasks/assignments.js';
import { isKey } from '../tasks/draft.js';
import {
  InvalidTaskError,
  TaskCancelledError,
  TaskDeadlineError,
  TaskFailedError,
  TaskTakenError,
} from '../tasks/errors.js';
import { currentTask, type RunningTask } from '../tasks/task-context.js';
import { cancelledBy } from '../tasks/store/settled.js';
import { Tasks } from '../tasks/tasks.js';
import { LONGEST_TIMER_MS } from '../tasks/times.js';
import { NoTimeLeftError, PartFailedError } from './errors.js';
import { type DelegationTerms, type DelegationTermsOptions, termsOf } from './terms.js';

const MAX_KEY = 200;

export interface DelegationOptions<P extends object, Answer extends object> extends DelegationTermsOptions {
  /** Who is to do the parts: agents of a role, of a capability, or one certain agent. */
  readonly to: Destination;
  /** How the agent for each is chosen, e.g. `least-loaded`, which it is unless given. `consistent-hash` goes by the key. */
  readonly strategy?: string;
  /** 0 to 10; as the running task's unless given. */
  readonly priority?: number;
  /**
   * What a piece is called, 1 to 200 characters without NUL, each once; its index unless given. An attempt that comes after one that
   * died finds the parts by it, so it must call the same piece the same.
   */
  readonly keyOf?: (payload: P, index: number) => string;
  /** Tells several delegations of the same contract in one task apart; by their order unless given. 1 to 50 characters but /, ~ and NUL. */
  readonly name?: string;
  /** The contract that results must keep; they are then instances of it. */
  readonly answer?: PayloadClass<Answer>;
  /** With this aborted, the open parts are cancelled, and `delegate` rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** What came of a piece. */
export type Part<Answer> = CompletedPart<Answer> | UnfinishedPart;

export interface CompletedPart<Answer> {
  readonly key: string;
  readonly taskId: string;
  readonly state: 'completed';
  readonly result: Answer;
}

export interface UnfinishedPart {
  readonly key: string;
  /** Undefined: there was no time left to make a task of it. */
  readonly taskId: string | undefined;
  readonly state: 'failed' | 'cancelled';
  /** What its last attempt threw; `CONTRACT_VIOLATION` also for a result that does not keep `answer`. */
  readonly error: WireError;
}

/** What came of a delegation, each list in the order of the pieces. */
export interface Delegated<Answer> {
  /** Of the parts that were completed: with `fail-fast`, of all. */
  readonly results: readonly Answer[];
  /** The others: with `fail-fast`, none. */
  readonly unfinished: readonly UnfinishedPart[];
  /** All. */
  readonly parts: readonly Part<Answer>[];
  /**
   * Whether the source of pieces was read to its end. With `partial` it is read until no time is left; the piece that came
   * too late is the last of `unfinished`, and without a `taskId`.
   */
  readonly complete: boolean;
}

/**
 * Has pieces of the work done by others. Within a `@Task` method each is a part of that task: cancelled with it, no longer
 * than it, found again by its next attempt. Elsewhere each is a task of its own. See docs/COORDINATION.md.
 */
@Injectable()
export class Delegation {
  /** How many delegations of each name the attempts at tasks have begun. */
  private readonly names = new WeakMap<RunningTask, Map<string, number>>();

  constructor(
    private readonly tasks: Tasks,
    private readonly assignments: Assignments,
  ) {}

  /**
   * Makes a task of each piece, and resolves when all of them are settled. With `fail-fast` the first one that fails for
   * good has the others cancelled, and this rejects with {@link PartFailedError}; with `partial` it is among `unfinished`.
   * Rejects with {@link NoTimeLeftError}; `TaskTakenError`, `TaskDeadlineError` or why else the running task's signal has
   * aborted; the reason of `signal`; what the pieces' source throws; and for bad input as `Tasks.submit` does.
   */
  async delegate<P extends object, Answer extends object>(
    contract: PayloadClass<P>,
    pieces: Iterable<P> | AsyncIterable<P>,
    options: DelegationOptions<P, Answer> & { readonly answer: PayloadClass<Answer> },
  ): Promise<Delegated<Answer>>;
  async delegate<P extends object>(
    contract: PayloadClass<P>,
    pieces: Iterable<P> | AsyncIterable<P>,
    options: DelegationOptions<P, object>,
  ): Promise<Delegated<unknown>>;
  async delegate<P extends object>(
    contract: PayloadClass<P>,
    pieces: Iterable<P> | AsyncIterable<P>,
    options: DelegationOptions<P, object>,
  ): Promise<Delegated<unknown>> {
    if (currentTransaction())
      throw new InvalidTaskError('transaction', 'a transactional handler does not wait for what others do');
    const whole = currentTask();
    const terms = termsOf(options, whole, performance.now());
    if (whole) terms.timeFor(performance.now());
    const name = this.nameIn(whole, contract, options.name);
    const fanOut = new FanOut(this.tasks, this.assignments, { contract, options, terms, whole, name });
    const parts = await fanOut.run(pieces);
    return {
      parts,
      complete: parts.every((part) => part.taskId !== undefined),
      results: parts.flatMap((part) => (part.state === 'completed' ? [part.result] : [])),
      unfinished: parts.filter((part) => part.state !== 'completed'),
    };
  }

  private nameIn(whole: RunningTask | undefined, contract: PayloadClass, given: string | undefined): string {
    if (given !== undefined && !(isKey(given, 50) && !/[/~]/.test(given)))
      throw new InvalidTaskError('name', 'is not a text of 1 to 50 characters other than /, ~ and NUL');
    const { type } = contractOf(contract);
    if (!whole) return type;
    const names = this.names.get(whole) ?? new Map<string, number>();
    this.names.set(whole, names);
    const name = given ?? type.slice(0, 50);
    const count = (names.get(name) ?? 0) + 1;
    if (count > 1 && given !== undefined) throw new InvalidTaskError('name', `"${given}" is another delegation's`);
    names.set(name, count);
    return count === 1 ? name : `${name}~${count}`;
  }
}

interface Job<P extends object> {
  readonly contract: PayloadClass<P>;
  readonly options: DelegationOptions<P, object>;
  readonly terms: DelegationTerms;
  readonly whole: RunningTask | undefined;
  /** Of the delegation, in the keys of its parts. */
  readonly name: string;
}

/** One delegation under way. */
class FanOut<P extends object> {
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
  }

  async run(pieces: Iterable<P> | AsyncIterable<P>): Promise<Part<unknown>[]> {
    const work = (payload: P, index: number): Promise<Part<unknown> | typeof pMapStop> => {
      const part = this.part(payload, index);
      this.underWay.add(part);
      const forget = (): boolean => this.underWay.delete(part);
      part.then(forget, forget);
      return part;
    };
    try {
      const parts = await pMap(pieces, work, { concurrency: this.job.terms.concurrency, signal: this.signal });
      return this.late ? [...parts, this.late] : parts;
    } catch (error) {
      await this.giveUp(error);
      throw error;
    }
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
      onFailure: terms.onFailure,
      ...terms.attempts,
      ...(strategy === undefined ? {} : { strategy }),
      ...(strategy === 'consistent-hash' ? { key } : {}),
      ...(priority === undefined ? {} : { priority }),
      ...(time === undefined ? {} : { deadline: time }),
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
    // Agents notice by themselves when their time is over. This is for those that are dead, and what nobody has begun.
    const over =
      time === undefined || time > LONGEST_TIMER_MS ? undefined : setTimeout(() => this.endLate(taskId), time);
    try {
      const result = await this.tasks.result(taskId, { ...(answer ? { answer } : {}), signal: this.signal });
      this.open.delete(taskId);
      return result;
    } finally {
      clearTimeout(over);
    }
  }

  private endLate(taskId: string): void {
    const error = toWireError(new TaskDeadlineError(taskId));
    // whoever assigns tasks ends it a little later
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
