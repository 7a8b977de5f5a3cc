/** What became of one probe. */
export type ProbeOutcome =
  | {
      readonly kind: 'answered';
      readonly latencyMs: number;
      /** For how long all places of one of the agent's inboxes have been taken without one being freed. */
      readonly stalledMs?: number;
    }
  | {
      /** No answer in time. */
      readonly kind: 'late';
      readonly waitedMs: number;
      /** As the agent said past its inbox; absent if it said nothing, or that it has free places. */
      readonly stalledMs?: number;
    };

export type ProbeReason = 'not_answering' | 'falls_behind';

export interface ProbeFinding {
  readonly reason: ProbeReason;
  readonly text: string;
}

/** One probe may be lost with a connection: so many in a row are held against an agent that does not say that it is busy. */
const LATE_IN_A_ROW = 2;
/** What falls behind has caught up when it takes less than this share of the limit, so that it does not do both in turn. */
const CAUGHT_UP = 0.5;

/**
 * What the probes of one instance of an agent have come to. An agent whose places are all taken is busy, not lost: it falls behind
 * when it keeps a probe waiting for longer than `behindMs`, and does not answer when no place was freed for so long. Neither
 * clock nor I/O: `at` is monotonic, in ms.
 */
export class ProbeRecord {
  /** What is wrong, as far as the probes tell. */
  finding: ProbeFinding | undefined;
  /** Whether enough is known to say that it is well, or is not. */
  known = false;
  /** Of the last probe that was answered. */
  latencyMs: number | undefined;
  private late = 0;
  private lateSince = 0;

  constructor(private readonly behindMs: number) {}

  note(outcome: ProbeOutcome, at: number): void {
    const { kind, stalledMs } = outcome;
    if (kind === 'late' && this.late++ === 0) this.lateSince = at - outcome.waitedMs;
    const finding = kind === 'answered' ? this.answered(outcome.latencyMs, stalledMs) : this.unanswered(stalledMs, at);
    if (kind === 'late' && !finding) return;
    this.known = true;
    this.finding = finding;
  }

  /** What was not answered may be the monitor's own fault. */
  interrupted(): void {
    this.late = 0;
  }

  private answered(latencyMs: number, stalledMs = 0): ProbeFinding | undefined {
    this.late = 0;
    this.latencyMs = latencyMs;
    if (stalledMs > this.behindMs) return stuck(stalledMs);
    const limit = this.finding?.reason === 'falls_behind' ? this.behindMs * CAUGHT_UP : this.behindMs;
    return latencyMs > limit ? slow(latencyMs) : undefined;
  }

  /** Undefined: that says nothing yet. */
  private unanswered(stalledMs: number | undefined, at: number): ProbeFinding | undefined {
    const waitedMs = at - this.lateSince;
    if (stalledMs === undefined) return this.late < LATE_IN_A_ROW ? undefined : silent(waitedMs);
    if (stalledMs > this.behindMs) return stuck(stalledMs);
    return waitedMs > this.behindMs ? slow(waitedMs) : undefined;
  }
}

const silent = (ms: number): ProbeFinding => ({
  reason: 'not_answering',
  text: `no probe was answered for ${inS(ms)}`,
});
const stuck = (ms: number): ProbeFinding => ({
  reason: 'not_answering',
  text: `all places of an inbox are taken, and no handler has ended for ${inS(ms)}`,
});
const slow = (ms: number): ProbeFinding => ({ reason: 'falls_behind', text: `a probe has waited for ${inS(ms)}` });

const inS = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
