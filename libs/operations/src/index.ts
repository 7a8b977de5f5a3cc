export { Contracts } from './contracts/contracts.js';
export { Audit, type AuditEntry, type AuditQuery } from './audit/audit.js';
export { type DeadLetterRow, DeadLetters, type Discarded, type Requeued } from './dead-letters/dead-letters.js';
export {
  AgentNotFoundError,
  DeliveryNotFoundError,
  MessageNotFoundError,
  NotDeadError,
  NotPausedError,
  UnknownConsumerError,
  NoQueuesError,
  ReplayNotFoundError,
  SeveralConsumersError,
  SubscriptionNotFoundError,
  TooManyReplaysError,
  TooManyWatchersError,
} from './errors.js';
export { knownContracts } from './known-contracts.js';
export { type DeliveryView, type MessageView } from './messages/message-view.js';
export { Explainer, type ExplainerOptions } from './messages/explain/explainer.js';
export { Messages } from './messages/messages.js';
export { OperationsModule, type OperationsOptions } from './operations.module.js';
export { Pauses } from './pauses/pauses.js';
export {
  BulkChanges,
  type BulkRun,
  type DeadLetterSelection,
  type Move,
  selectionText,
} from './replay/bulk-changes.js';
export { type ReplayJob, ReplayJobs, type ReplayView } from './replay/replay-jobs.js';
export { type SubscriptionRow, Subscriptions } from './subscriptions/subscriptions.js';
export {
  findProposal,
  findRun,
  listProposals,
  listRuns,
  type ProposalQuery,
  type RunQuery,
} from './tasks/decisions.js';
export { TaskChanges } from './tasks/task-changes.js';
export {
  taskListed,
  type TaskListed,
  type TaskNode,
  type TaskQuery,
  type TaskTreeView,
  type TaskView,
  TaskViews,
} from './tasks/task-views.js';
export { AgentList } from './system/agent-list.js';
export type { ChangedList } from './system/changes.js';
export { ConsumerFigures } from './system/consumer-figures.js';
export { ConsumerList } from './system/consumer-list.js';
export { FactReader } from './system/facts.js';
export { LeaderList } from './system/leader-list.js';
export { type LiveEvent, LiveView } from './system/live-view.js';
export { inboxesOf, QueueList, withQueues } from './system/queue-list.js';
export { RecordedRoster, Roster } from './system/roster.js';
export type { Actor, AuditRow, DeadLetterGroup } from './views/changes.js';
export type {
  DeliveryRow,
  Explanation,
  ExplanationReason,
  MessageKey,
  MessageRow,
  MessageSearch,
} from './views/messages.js';
export type { ContractRow } from './views/contracts.js';
export { type Json, MOST_LISTED, type Page, type PageQuery } from './views/page.js';
export type {
  AgentRow,
  ConsumerRow,
  Flow,
  FlowEdge,
  FlowNode,
  LeaderRow,
  Overview,
  OverviewPoint,
  Pause,
} from './views/system.js';
