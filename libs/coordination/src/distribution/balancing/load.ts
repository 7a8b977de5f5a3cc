import type { Candidate } from './strategy.js';

/**
 * How loaded an agent is, as far as the chooser can tell: the share of its places that the chooser itself fills, which is
 * exact, and half the load that the registry last heard of. That is old by up to a heartbeat, and partly made of the
 * chooser's own work of then: counted in full, two choosers would follow each other's past from agent to agent.
 */
export const loadOf = ({ inFlight, concurrency, load }: Candidate): number =>
  inFlight / Math.max(1, concurrency) + load / 2;
