import type { Leadership } from '../election/election-group.js';

/** What the leader of the coordinators does, for as long as it leads. */
export interface LeaderDuty {
  /** For the log. */
  readonly name: string;
  /** Resolves soon after `leadership.signal` has aborted; begun anew, a little later, if it rejects before. */
  run(leadership: Leadership): Promise<void>;
}
