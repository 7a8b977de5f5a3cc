export { boundedError, shortened } from './bounds.js';
export { ContractCatalogue } from './catalogue.js';
export {
  Contract,
  type ContractDefinition,
  contractKey,
  contractOf,
  contractOfInstance,
  type ContractOptions,
  type PayloadClass,
  type Upcaster,
} from './contract.js';
export {
  type BreakingChange,
  breakingChanges,
  changeText,
  contractsAmong,
  describeContracts,
} from './evolution/changes.js';
export type { ContractSchema, ContractsFile, Schema, SchemaType } from './evolution/schema.js';
export {
  checkPriority,
  checkShort,
  checkTtl,
  DEFAULT_PRIORITY,
  type Envelope,
  MAX_PRIORITY,
  MAX_SHORT_BYTES,
  type Message,
  newMessageId,
  type TraceContext,
  traceFor,
} from './envelope.js';
export {
  AgentMQError,
  ContractDeclarationError,
  ContractViolationError,
  DuplicateContractError,
  errorText,
  InvalidMessageError,
  NotAContractError,
  UnknownTypeError,
  type Violation,
} from './errors.js';
export { checkHeaders } from './headers.js';
export {
  checkName,
  checkTopic,
  checkTopicPattern,
  formatRecipient,
  isToMany,
  parseRecipient,
  type Recipient,
  toAgent,
  toEveryone,
  topicMatches,
  toRole,
  toTopic,
} from './recipient.js';
export {
  AnalysisSummary,
  type ColumnPart,
  type ColumnSummary,
  type Delimiter,
  DELIMITERS,
  MAX_COLUMNS,
  MAX_REJECTED_LISTED,
  type NumberPart,
  type NumberSummary,
  PartialReceipt,
  PartialResult,
  type RejectedRow,
  type RejectedRows,
  RunRequest,
  SummaryRequest,
  type TextPart,
  type TextSummary,
  WorkAssignment,
  WorkReceipt,
} from './messages/analysis.js';
export {
  CastVote,
  type Choice,
  CHOICES,
  CloseProposal,
  ProposalDecided,
  VoteRequest,
  VOTING_RESULTS,
  VOTING_RULES,
  type VotingResult,
  type VotingRule,
  VotingTally,
} from './messages/consensus.js';
export { ElectionMessage } from './messages/election.js';
export { RecordScanner } from './messages/csv-records.js';
export { type Keyword, MAX_TEXTS, NlpRequest, NlpResult, type Sentiment } from './messages/nlp.js';
export {
  AgentProbe,
  AgentRecovered,
  AgentUnhealthy,
  AgentVitals,
  probeTopic,
  vitalsTopic,
} from './messages/agent-conditions.js';
export { AgentStop } from './messages/agent-stop.js';
export { MAX_NOTICED_TASKS, TaskNotice } from './messages/task-notices.js';
export {
  TASK_PROGRESS_TOPIC,
  TASK_RESULT_TOPIC,
  type TaskName,
  TaskProgress,
  TaskRequest,
  TaskResult,
  TASKS,
} from './messages/tasks.js';
export { retryDelay, type RetryOptions, type RetryPolicy, retryPolicy } from './retry.js';
export { decodeBody } from './payload/decode.js';
export { readPayload, validateAs, validatePayload, writePayload, writeResult } from './validation.js';
export { contractTaking, takesVersion, versionsTaken } from './versions.js';
export {
  fromWire,
  HEADER,
  type ReadMessage,
  TASK_HEADER,
  toWire,
  type WireMessage,
  type WireProperties,
} from './wire.js';
export { fromWireError, RemoteError, toWireError, type WireError } from './wire-error.js';
export {
  AgentDeregistered,
  AgentHeartbeat,
  AgentRegistered,
  AgentUpdated,
  CircuitStatus,
  HEARTBEAT_TOPIC,
  MAX_CAPABILITIES,
  MAX_CIRCUITS,
} from './messages/registry.js';
export { visible, visibleJson, visibleLines } from './visible.js';
