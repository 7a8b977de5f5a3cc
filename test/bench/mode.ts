import type { Contender } from './compare/contender.js';

export interface ModeOptions {
  /** How often everything is measured. */
  readonly rounds: number;
  /** The most messages of one measurement. */
  readonly messages: number;
  /** How long one measurement takes about. */
  readonly seconds: number;
  readonly only: readonly Contender[];
  readonly quick: boolean;
  /** What the mode counts: messages, agents, tasks. */
  readonly count: number;
  readonly report: (text: string) => void;
}

/** What a mode has found, for programs and for people. */
export interface Found {
  readonly measures: Readonly<Record<string, unknown>>;
  readonly ratios: Readonly<Record<string, number>>;
  /** Markdown. */
  readonly text: string;
}

/** Something that the bench measures. */
export interface Mode {
  readonly name: string;
  readonly about: string;
  /** What it may be told to measure so many of, and how many that are otherwise. */
  readonly counts?: { readonly what: string; readonly standard: number };
  run(options: ModeOptions): Promise<Found>;
}

/** A mode that answers a table alone. */
export const told = (text: string): Found => ({ measures: {}, ratios: {}, text });
