export { ConsensusModule } from './consensus.module.js';
export { CoordinatorsModule } from './coordinators.module.js';
export { DistributionModule } from './distribution.module.js';
export { ElectionModule } from './election.module.js';
export { PipelinesModule } from './pipelines.module.js';
export { ScalingModule, ScalingViewModule, type ScalingOptions } from './scaling.module.js';
export { TasksModule } from './tasks.module.js';
export { ElectionGroup, type ElectionState, type JoinOptions, type Leadership } from './election/election-group.js';
export { Elections } from './election/elections.js';
export {
  AlreadyJoinedError,
  DeposedError,
  NotAMemberError,
  NotLeaderError,
  TransferFailedError,
} from './election/errors.js';
export { ElectionMachine, type ElectionRole } from './election/machine.js';
export { ElectionMessage, groupOf } from './election/messages.js';
export type {
  DeposedReason,
  ElectionAction,
  ElectionEvent,
  ElectionRecord,
  GroupRecord,
  MachineMessage,
} from './election/protocol.js';
export { COORDINATORS, Coordinators } from './coordinators/coordinators.js';
export type { LeaderDuty } from './coordinators/leader-duty.js';
export { Consensus, type WaitOptions } from './consensus/consensus.js';
export { InvalidProposalError, UnknownProposalError } from './consensus/errors.js';
export {
  CastVote,
  type Choice,
  CloseProposal,
  ProposalDecided,
  VoteRequest,
  VOTING_RESULTS,
  type VotingResult,
  type VotingRule,
  VotingTally,
} from './consensus/messages.js';
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
export { Vote } from './consensus/vote.js';
export { DuplicateStrategyError, UnknownStrategyError } from './distribution/balancing/errors.js';
export { Strategies } from './distribution/balancing/strategies.js';
export type { Candidate, Strategy, Work } from './distribution/balancing/strategy.js';
export { CircuitBreakers, type CircuitChange } from './distribution/breaker/circuit-breakers.js';
export type { CallOptions, CircuitState } from './distribution/breaker/circuit.js';
export { CircuitOpenError } from './distribution/breaker/errors.js';
export type { Destination } from './distribution/destination.js';
export { type AbleOptions, type DistributedRequestOptions, Distribution } from './distribution/distribution.js';
export { AgentLostError, InvalidDistributionError, NoAbleAgentError } from './distribution/errors.js';
export { InvalidRuleError, NoRouteError } from './distribution/routing/errors.js';
export { Router, type RuleOptions } from './distribution/routing/router.js';
export { AskedTasks } from './tasks/client/asked-tasks.js';
export { type TaskOf, type TaskType, TaskTypes } from './tasks/client/task-types.js';
export { type ResultOptions, Tasks } from './tasks/client/tasks.js';
export {
  IdempotencyKeyReusedError,
  InvalidTaskError,
  InvalidTaskResultError,
  TaskAgentLostError,
  TaskCancelledError,
  TaskDeadlineError,
  TaskFailedError,
  TaskTakenError,
  UnknownTaskError,
  UnknownTaskTypeError,
} from './tasks/errors.js';
export { TaskAssigned, TaskNotice } from './tasks/messages.js';
export { TaskReport } from './tasks/progress.js';
export type { AskedTask } from './tasks/store/asked-store.js';
export {
  type BatchOptions,
  type FailurePolicy,
  type ProgressEvent,
  TASK_STATES,
  type TaskAttempt,
  type TaskBacklog,
  type TaskEvent,
  type TaskFilter,
  type TaskOptions,
  type TaskRecord,
  type TaskTree,
  type TaskState,
  type TaskWithResult,
} from './tasks/task.js';
export { type RunningTask, TaskContext } from './tasks/worker/task-context.js';
export { Task } from './tasks/worker/task.decorator.js';
export type { CompletedPart, Delegated, DelegationOptions, Part, UnfinishedPart } from './delegation/delegated.js';
export { Delegation } from './delegation/delegation.js';
export { NoTimeLeftError, PartFailedError } from './delegation/errors.js';
export {
  InvalidPipelineError,
  PipelineBusyError,
  PipelineFailedError,
  PipelineFullError,
  UnknownPipelineError,
} from './pipelines/errors.js';
export type {
  PipelineOptions,
  PipelineRun,
  PipelineStage,
  RunFilter,
  RunOptions,
  StageOfRun,
} from './pipelines/pipeline.js';
export { Pipelines } from './pipelines/pipelines.js';
export { UnknownRoleError, WorkerStartError } from './scaling/errors.js';
export { Scaler } from './scaling/scaler.js';
export { type RoleScale, Scaling } from './scaling/scaling.js';
export { Spawner, type StartedWorker } from './scaling/spawner.js';
