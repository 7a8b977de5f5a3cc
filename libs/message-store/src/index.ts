export type {
  AgentCircuit,
  HeartbeatRecord,
  AgentRecord,
  AgentRegistration,
  AgentSnapshot,
  ChangedAgents,
  HandledContract,
  HeartbeatOutcome,
} from './agents/agent-record.js';
export { AgentStore } from './agents/agent-store.js';
export type { Claim, ClaimResult, Failure, Rejection } from './deliveries/claim.js';
export {
  type ClaimRef,
  type ConsumerName,
  DELIVERY_STATES,
  type DeliveryError,
  type DeliveryRef,
  type DeliveryState,
  type FailedAttempt,
  openStates,
  type SettledState,
} from './deliveries/delivery.js';
export { DeliveryStore } from './deliveries/delivery-store.js';
export type {
  AwaitedHandler,
  HandlerSought,
  UnhandledDelivery,
  UnhandledOptions,
  UnhandledResult,
} from './deliveries/unhandled.js';
export { UnhandledStore } from './deliveries/unhandled-store.js';
export type { DeadLetterFilter, StoredDeadLetter, StoredDeadLetterGroup } from './history/dead-letter.js';
export { DeadLetterStore } from './history/dead-letter-store.js';
export { isExactTime } from './history/exact-time.js';
export type { ConsumerFigure, StoreCounts, StoreFigures } from './history/figures.js';
export { HistoryStore } from './history/history-store.js';
export type { HopMessage, HopRecord } from './history/hop.js';
export { HopStore } from './history/hop-store.js';
export type {
  AlsoInTransaction,
  ReplayBatch,
  ReplayCursor,
  ReplayOptions,
  ReplayPreview,
  ReplaySelection,
} from './history/replay-selection.js';
export { ReplayStore } from './history/replay-store.js';
export { RetentionStore } from './history/retention-store.js';
export type { MessageFilter, StoredDelivery, StoredMessage, TraceSummary } from './history/stored-message.js';
export {
  type OutboxEntry,
  type OutboxLease,
  type Refusal,
  type StuckEntries,
  type StuckSender,
  targetOf,
} from './outbox/outbox-entry.js';
export { type AppendOptions, OutboxStore } from './outbox/outbox-store.js';
export type {
  FoundDelivery,
  FoundMessage,
  FoundMessages,
  SearchFilter,
  SearchPosition,
} from './search/found-message.js';
export type { DeliveryFacts, EntryFacts, MessageFacts } from './search/message-facts.js';
export { SearchStore } from './search/search-store.js';
export { PauseStore, type StoredPause } from './pauses/pause-store.js';
export { Store } from './store.js';
export {
  type StoredSubscription,
  type SubscribedTopics,
  SubscriptionStore,
} from './subscriptions/subscription-store.js';
