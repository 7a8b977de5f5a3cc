import type { AgentQuery } from 'agentmq/agent';
import type { Choice, VotingResult, VotingRule, VotingTally } from './messages.js';
import type { Elector, Remark } from './tally.js';

/** What is put to the vote. */
export interface Motion {
  /** What it is about, in 1 to 1,000 characters. */
  readonly subject: string;
  /** Whatever voters need to know, as JSON. */
  readonly content?: object;
}

export interface VotingOptions {
  /** Agent ids, or which agents of the registry as it is now: 1 to 1,000. It does not change afterwards. */
  readonly electorate: readonly string[] | AgentQuery;
  /** `majority` unless given. */
  readonly rule?: VotingRule;
  /** Of the rule `weighted`: of each elector, by its id, a whole number of 0 or more, not all 0. */
  readonly weights?: Readonly<Record<string, number>>;
  /** The least share of the electorate's weight that must have voted, abstentions included: 0 to 1; more than half unless given. */
  readonly quorum?: number;
  /** How long votes are waited for, in ms: 1 to 2,592,000,000 (30 days); the setting `COORDINATION_CONSENSUS_TIMEOUT` unless given. */
  readonly timeout?: number;
}

/** What an elector says to a proposal. */
export interface Ballot {
  readonly choice: Choice;
  /** At most 10,000 characters; none unless given. */
  readonly reason?: string;
}

/** A vote that was received, in the order of `votes`. */
export interface RecordedVote {
  readonly voter: string;
  readonly choice: Choice;
  readonly reason: string;
  readonly counted: boolean;
  /** Why it is not counted. */
  readonly remark: Remark | null;
  /** When the voter sent it. */
  readonly castAt: Date;
  readonly receivedAt: Date;
}

/** An elector that is not waited for, unless it comes back before the outcome. */
export interface AbsentElector {
  readonly elector: string;
  /** The registry knows it as that. */
  readonly reason: AbsenceReason;
  readonly since: Date;
}

export type AbsenceReason = 'dead' | 'stopped';

export type ProposalState = 'open' | VotingResult;

/** A proposal without its votes. Times are the database's. */
export interface ProposalSummary {
  readonly id: string;
  readonly state: ProposalState;
  readonly subject: string;
  readonly content: object | null;
  readonly rule: VotingRule;
  /** Null: more than half. */
  readonly quorum: number | null;
  readonly electorate: readonly Elector[];
  /** Agent id. */
  readonly proposer: string;
  /** The proposer's, any agent of which records votes. */
  readonly role: string;
  readonly openedAt: Date;
  readonly closesAt: Date;
  readonly decidedAt: Date | null;
  /** Weights, of what was counted so far. */
  readonly tally: VotingTally;
  /** Electors that are known to be gone and have not voted. */
  readonly absent: readonly AbsentElector[];
}

/** The whole record of a proposal. */
export interface Proposal extends ProposalSummary {
  /** All that were received, in that order, counted or not. */
  readonly votes: readonly RecordedVote[];
}

export interface ProposalOutcome {
  readonly id: string;
  readonly outcome: VotingResult;
  readonly tally: VotingTally;
  readonly votes: readonly RecordedVote[];
  readonly absent: readonly AbsentElector[];
}

export interface ProposalFilter {
  readonly state?: ProposalState;
  /** At most this many: 1 to 1,000; 100 unless given. */
  readonly limit?: number;
  /** Oldest first unless given. */
  readonly newestFirst?: boolean;
  /** Proposals after this id in that order (ids are time-ordered). */
  readonly after?: string;
}
