/** How long nothing is started after the first start that failed, in ms; doubled with each that follows, up to the longest. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

export interface StartFailure {
  /** How many there are since the last worker came. */
  readonly inARow: number;
  /** How long nothing is to be started, in ms. */
  readonly wait: number;
}

/** Remembers which starts of one role have come to nothing, so that they are not repeated for ever in haste. `now` is in ms. */
export class StartFailures {
  private last: { readonly inARow: number; readonly at: number; readonly until: number } | undefined;

  /** For how long nothing is to be started, in ms. */
  waitFrom(now: number): number {
    return Math.max(0, (this.last?.until ?? now) - now);
  }

  /** What was started at `since` has failed. Several that were started together are one failure: undefined for the others. */
  note(now: number, since: number): StartFailure | undefined {
    const { last } = this;
    if (last && since < last.at) return undefined;
    const inARow = (last?.inARow ?? 0) + 1;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (inARow - 1));
    this.last = { inARow, at: now, until: now + wait };
    return { inARow, wait };
  }

  /** A worker has come: what fails from now on is the first again. */
  reset(): void {
    this.last = undefined;
  }
}
