export type { EmbeddedOptions } from './embedded-connections.js';
export { MessageEntity } from './entities/index.js';
export {
  InvalidNamespaceError,
  InvalidSelectionError,
  SchemaTooNewError,
  StoreClosedError,
  StoreDirectoryError,
  StoreLockedError,
  StoreUnavailableError,
  TransactionEndedError,
} from './errors.js';
export type {
  AgentCircuit,
  AgentHeartbeat,
  AgentRecord,
  AgentRegistration,
  AgentSnapshot,
  HandledContract,
  HeartbeatOutcome,
} from './agent-record.js';
export {
  type AppendOptions,
  type AwaitedHandler,
  type Claim,
  type ClaimRef,
  type ClaimResult,
  type ConsumerName,
  type DeliveryError,
  type DeliveryRef,
  type DeliveryState,
  type FailedAttempt,
  type Failure,
  type HandlerSought,
  type MessageFilter,
  MessageStore,
  type OutboxEntry,
  type OutboxLease,
  type Rejection,
  type ReplayBatch,
  type ReplayCursor,
  type ReplayOptions,
  type ReplaySelection,
  type SettledState,
  type StoreCounts,
  type StoredDelivery,
  type StoredMessage,
  type StoredSubscription,
  targetOf,
  type SubscribedTopics,
  type TraceSummary,
  type Transaction,
  type UnhandledDelivery,
  type UnhandledOptions,
  type UnhandledResult,
} from './message-store.js';
export { PostgresMessageStore } from './postgres-message-store.js';
export type { ServerOptions } from './server-connections.js';
export { type CallerTransaction, transactionGiven, transactionOf } from './transaction.js';
