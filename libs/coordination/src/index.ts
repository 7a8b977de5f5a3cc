export { CoordinationModule } from './coordination.module.js';
export { COORDINATORS, Coordinators } from './coordinators/coordinators.js';
export { CoordinatorsModule } from './coordinators/coordinators.module.js';
export type { LeaderDuty } from './coordinators/leader-duty.js';
export { DuplicateStrategyError, UnknownStrategyError } from './balancing/errors.js';
export { DEFAULT_STRATEGY, Strategies } from './balancing/strategies.js';
export type { Candidate, Strategy, Work } from './balancing/strategy.js';
export { CircuitBreakers, type CircuitChange } from './breaker/circuit-breakers.js';
export type { CallOptions, CircuitState } from './breaker/circuit.js';
export { CircuitOpenError } from './breaker/errors.js';
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
export {
  type CompletedPart,
  type Delegated,
  Delegation,
  type DelegationOptions,
  type Part,
  type UnfinishedPart,
} from './delegation/delegation.js';
export { NoTimeLeftError, PartFailedError } from './delegation/errors.js';
export {
  candidatesFor,
  choicesFor,
  type Destination,
  destinationName,
  type Routing,
} from './distribution/destination.js';
export { type AbleOptions, type DistributedRequestOptions, Distribution } from './distribution/distribution.js';
export { AgentLostError, InvalidDistributionError, NoAbleAgentError } from './distribution/errors.js';
export { fanOut, type FanOutOptions } from './distribution/fan-out.js';
export { ElectionMachine, type ElectionOptions, type ElectionRole } from './election/machine.js';
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
  MachineMessage,
  ElectionRecord,
  GroupRecord,
} from './election/protocol.js';
export {
  InvalidPipelineError,
  PipelineBusyError,
  PipelineFailedError,
  PipelineFullError,
  UnknownPipelineError,
} from './pipelines/errors.js';
export type { PipelineOptions, PipelineRun, PipelineStage, RunOptions, StageOfRun } from './pipelines/pipeline.js';
export { Pipelines } from './pipelines/pipelines.js';
export { AgentStops } from './scaling/agent-stops.js';
export { BacklogSource } from './scaling/backlog-source.js';
export { ChildProcessSpawner } from './scaling/child-process-spawner.js';
export { UnknownRoleError, WorkerStartError } from './scaling/errors.js';
export {
  RoleScaling,
  type RoleSight,
  type ScalingDecision,
  type ScalingRule,
  type Starting,
  warrantedBy,
} from './scaling/role-scaling.js';
export { Scaler } from './scaling/scaler.js';
export { type RoleScale, Scaling } from './scaling/scaling.js';
export { ScalingModule, type ScalingOptions } from './scaling/scaling.module.js';
export { Spawner, type StartedWorker } from './scaling/spawner.js';
export {
  InvalidTaskError,
  InvalidTaskResultError,
  TaskAgentLostError,
  TaskCancelledError,
  TaskDeadlineError,
  TaskFailedError,
  TaskTakenError,
  UnknownTaskError,
} from './tasks/errors.js';
export {
  type FailurePolicy,
  type Task as TaskRecord,
  TASK_STATES,
  type TaskBacklog,
  type TaskFilter,
  type TaskOptions,
  type TaskState,
  type TaskWithResult,
} from './tasks/task.js';
export { type RunningTask, TaskContext } from './tasks/task-context.js';
export { Task } from './tasks/task.decorator.js';
export { type ResultOptions, Tasks } from './tasks/tasks.js';
export { InvalidRuleError, NoRouteError } from './routing/errors.js';
export { Router, type RuleOptions } from './routing/router.js';
export {
  CHOICES,
  CastVote,
  CloseProposal,
  ProposalDecided,
  VOTING_RESULTS,
  VOTING_RULES,
  VoteRequest,
  VotingTally,
  type Choice,
  type VotingResult,
  type VotingRule,
} from './messages/consensus.js';
export { ElectionMessage } from './messages/election.js';
export { MAX_NOTICED_TASKS, TaskNotice } from './messages/task-notices.js';
