import { globMatcher } from 'agentmq/agent';
import { loadOf } from './load.js';
import { lowest } from './lowest.js';
import type { Candidate, Strategy, Work } from './strategy.js';
import { Turns } from './turns.js';

/**
 * The most specialised agent: it can do the fewest other things, so that agents which can do much stay free for what only they
 * can. An agent that does not declare the capability, but was named by a routing rule, comes last. Among equals, the least loaded.
 */
export class ByCapability implements Strategy {
  private readonly turns = new Turns();

  choose(candidates: readonly [Candidate, ...Candidate[]], { capability }: Work): Candidate {
    const isAsked = capability === undefined ? () => false : globMatcher(capability);
    const others = ({ capabilities }: Candidate): number => {
      const rest = capabilities.filter((name) => !isAsked(name)).length;
      return capability !== undefined && rest === capabilities.length ? Infinity : rest;
    };
    return this.turns.next(lowest(lowest(candidates, others), loadOf));
  }
}
