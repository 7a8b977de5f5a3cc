import type { Candidate, Strategy } from './strategy.js';
import { Turns } from './turns.js';

/** One after the other. Among agents that stay, none is ever ahead by more than one, whichever others come and go. */
export class RoundRobin implements Strategy {
  private readonly turns = new Turns();

  choose(candidates: readonly [Candidate, ...Candidate[]]): Candidate {
    return this.turns.next(candidates);
  }
}
