import type { Candidate } from './strategy.js';

/** Agents chosen this long ago are forgotten: they are as if never chosen, and so still first in turn. */
const REMEMBERED = 1_000;

/** Whose turn it is: that of the agent that was not chosen for the longest time. */
export class Turns {
  /** When each was chosen last, the latest last. */
  private readonly chosen = new Map<string, number>();
  private count = 0;

  /** Agents that were never chosen are first, by id. Remembers the answer. */
  next(candidates: readonly [Candidate, ...Candidate[]]): Candidate {
    const next = candidates.reduce((first, other) => (this.isBefore(other, first) ? other : first));
    this.chosen.delete(next.id);
    this.chosen.set(next.id, ++this.count);
    for (const id of this.chosen.keys()) {
      if (this.chosen.size <= REMEMBERED + candidates.length) break;
      this.chosen.delete(id);
    }
    return next;
  }

  private isBefore({ id: a }: Candidate, { id: b }: Candidate): boolean {
    const [turnOfA, turnOfB] = [this.chosen.get(a) ?? 0, this.chosen.get(b) ?? 0];
    return turnOfA === turnOfB ? a < b : turnOfA < turnOfB;
  }
}
