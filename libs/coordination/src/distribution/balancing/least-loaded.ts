import { loadOf } from './load.js';
import { lowest } from './lowest.js';
import type { Candidate, Strategy } from './strategy.js';
import { Turns } from './turns.js';

/** The agent that has the least to do, by {@link loadOf}; among equals, one after the other. */
export class LeastLoaded implements Strategy {
  private readonly turns = new Turns();

  choose(candidates: readonly [Candidate, ...Candidate[]]): Candidate {
    return this.turns.next(lowest(candidates, loadOf));
  }
}
