import type { PayloadClass, WireError } from 'agentmq/protocol';
import type { Destination } from '../distribution/destination.js';
import type { DelegationTermsOptions } from './terms.js';

export interface DelegationOptions<P extends object, Answer extends object> extends DelegationTermsOptions {
  /** Which agents may do the parts, as of any task: any that declares the contract by `@Task` unless given. */
  readonly to?: Destination;
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
  /**
   * Takes what came of each piece, so that nothing of it is kept: once each, one after the other in the order of the pieces, as soon
   * as the piece and all before it are settled; with `partial` also what failed, and last the piece that came too late. While it
   * is at work, or an earlier piece is missing, at most `concurrency` pieces more are taken from their source. What it throws
   * ends the delegation, as what the source throws.
   */
  readonly each?: (part: Part<Answer>) => void | Promise<void>;
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
  /** Of the parts that were completed: with `fail-fast`, of all. Empty with `each`. */
  readonly results: readonly Answer[];
  /** The others: with `fail-fast`, none. */
  readonly unfinished: readonly UnfinishedPart[];
  /** All; empty with `each`. */
  readonly parts: readonly Part<Answer>[];
  /**
   * Whether the source of pieces was read to its end. With `partial` it is read until no time is left; the piece that came
   * too late is the last of `unfinished`, and without a `taskId`.
   */
  readonly complete: boolean;
}
