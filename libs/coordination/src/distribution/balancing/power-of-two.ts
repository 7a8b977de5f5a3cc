import { loadOf } from './load.js';
import type { Candidate, Strategy } from './strategy.js';

/**
 * The less loaded of two that are drawn at random. For many agents, and for many callers that choose by the same old loads: they
 * do not all run to the same agent. M. Mitzenmacher, _The Power of Two Choices in Randomized Load Balancing_, 2001.
 */
export class PowerOfTwo implements Strategy {
  /** `random`: 0 or more, less than 1. */
  constructor(private readonly random: () => number = Math.random) {}

  choose(candidates: readonly [Candidate, ...Candidate[]]): Candidate {
    const first = this.draw(candidates.length);
    if (candidates.length === 1) return candidates[0];
    const drawn = this.draw(candidates.length - 1);
    const second = drawn < first ? drawn : drawn + 1;
    const [a, b] = [candidates[first] as Candidate, candidates[second] as Candidate];
    return loadOf(b) < loadOf(a) ? b : a;
  }

  private draw(count: number): number {
    return Math.floor(this.random() * count);
  }
}
