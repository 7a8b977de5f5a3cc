import type { Account } from './accounting.js';
import type { BusName } from '../support/index.js';
import type { Scene } from './scene.js';
import type { Need } from './servers.js';

/** One thing that goes wrong while numbered messages flow. */
export interface Fault {
  /** The name of its file. */
  readonly name: string;
  /** For the table. */
  readonly title: string;
  /** Another form of a fault that the tests have already: `npm run faults` alone runs it. */
  readonly variation?: true;
  /** It is one of this broker alone; of any unless given. */
  readonly bus?: BusName;
  readonly needs: readonly Need[];
  /** About how many messages, in the short form and in the long one. */
  readonly messages: { readonly short: number; readonly long: number };
  /** What must come out beside what always must: dead ones 0 unless given, repeated plain effects any number. */
  readonly expected?: { readonly dead?: number; readonly duplicates?: 0 };
  /** How long it may take from healing to quiet, in ms: 90,000 unless given. */
  readonly quietWithinMs?: number;
  /**
   * Makes processes and a load, injects the fault, and heals it. Resolves when all is healed and sent; rejects when
   * something shows that must not be beside what is accounted for later.
   */
  run(scene: Scene): Promise<void>;
}

/** What came of it. */
export interface FaultReport {
  readonly fault: Fault;
  readonly account: Account;
  /** From healed to nothing left to do, in ms. */
  readonly quietMs: number;
  /** Other figures, one a line. */
  readonly notes: readonly string[];
  /** What broke; empty if all promises were kept. */
  readonly violations: readonly string[];
}
