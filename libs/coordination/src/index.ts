export { CoordinationModule } from './coordination.module.js';
export { Consensus, type WaitOptions } from './consensus/consensus.js';
export { InvalidProposalError, UnknownProposalError } from './consensus/errors.js';
export type {
  AbsenceReason,
  AbsentElector,
  Ballot,
  Motion,
  Proposal,
  ProposalFilter,
  ProposalOutcome,
  ProposalState,
  ProposalSummary,
  RecordedVote,
  VotingOptions,
} from './consensus/proposal.js';
export {
  type Ballots,
  type Elector,
  outcomeOf,
  type Remark,
  remarkOn,
  tallyOf,
  type VotingTerms,
} from './consensus/tally.js';
export { Vote } from './consensus/vote.js';
export { type AbleOptions, Delegation, type FanOutOptions } from './delegation.js';
export { ElectionMachine, type ElectionOptions, type ElectionRole } from './election/machine.js';
export { NoAbleAgentError } from './errors.js';
export { ElectionGroup, type ElectionState, type JoinOptions, type Leadership } from './election/election-group.js';
export { Elections } from './election/elections.js';
export {
  AlreadyJoinedError,
  DeposedError,
  NotAMemberError,
  NotLeaderError,
  TransferFailedError,
} from './election/errors.js';
export type {
  DeposedReason,
  ElectionAction,
  ElectionEvent,
  ElectionMessage,
  ElectionRecord,
} from './election/protocol.js';
