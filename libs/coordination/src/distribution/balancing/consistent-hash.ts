import { hash } from 'node:crypto';
import { LeastLoaded } from './least-loaded.js';
import type { Candidate, Strategy, Work } from './strategy.js';

/**
 * The same agent for the same key, in whatever process it is chosen. When an agent leaves, its keys alone move, evenly to
 * the others; one that joins takes an even share from each. Work without a key goes to the least loaded.
 * The agent whose hash with the key is the highest: D. Thaler and C. Ravishankar, _Using Name-Based Mappings to Increase Hit
 * Rates_, 1998 (rendezvous hashing).
 */
export class ConsistentHash implements Strategy {
  private readonly otherwise = new LeastLoaded();

  choose(candidates: readonly [Candidate, ...Candidate[]], { key }: Work): Candidate {
    if (key === undefined) return this.otherwise.choose(candidates);
    let highest = '';
    let [chosen] = candidates;
    for (const candidate of candidates) {
      // No id has a line break in it, so no other id and key make the same text.
      const hashed = hash('sha256', `${candidate.id}\n${key}`);
      if (hashed <= highest) continue;
      highest = hashed;
      chosen = candidate;
    }
    return chosen;
  }
}
