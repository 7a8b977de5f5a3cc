import type { Member } from './member.js';
import { SLOWEST } from './schedule.js';
import type { Timeline } from './timeline.js';
import type { Trouble } from './trouble.js';

/** Carries messages, at most once unless it duplicates them, in no order. */
export class Network {
  /** How many faults keep what the first sends from the second. */
  private readonly cuts: number[][];

  constructor(
    private readonly timeline: Timeline,
    private readonly trouble: Trouble,
    size: number,
  ) {
    this.cuts = Array.from({ length: size }, () => Array.from({ length: size }, () => 0));
  }

  send(from: Member, to: Member, deliver: () => void): void {
    if (this.cuts[from.index]![to.index]! > 0) return;
    const both = from.bit | to.bit;
    if (this.trouble.strikes('lost', both)) return;
    const copies = this.trouble.strikes('duplicated', both) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const longest = this.trouble.strikes('slow', both) ? SLOWEST : 20;
      this.timeline.after(1 + this.timeline.random() * longest, deliver);
    }
  }

  /** What the first send to the second gets lost from now on (1), or gets through again (-1). */
  cut(from: readonly Member[], to: readonly Member[], by: 1 | -1): void {
    for (const { index } of from) for (const other of to) this.cuts[index]![other.index]! += by;
  }
}
