export type {
  AgentCircuit,
  HeartbeatRecord,
  AgentRecord,
  AgentRegistration,
  AgentSnapshot,
  HandledContract,
  HeartbeatOutcome,
} from './agents/agent-record.js';
export { AgentStore } from './agents/agent-store.js';
export type { Claim, ClaimResult, Failure, Rejection } from './deliveries/claim.js';
export {
  type ClaimRef,
  type ConsumerName,
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
export type { ConsumerFigure, StoreCounts, StoreFigures } from './history/figures.js';
export { HistoryStore } from './history/history-store.js';
export type { HopMessage, HopRecord } from './history/hop.js';
export { HopStore } from './history/hop-store.js';
export type { ReplayBatch, ReplayCursor, ReplayOptions, ReplaySelection } from './history/replay-selection.js';
export { ReplayStore } from './history/replay-store.js';
export { RetentionStore } from './history/retention-store.js';
export type { MessageFilter, StoredDelivery, StoredMessage, TraceSummary } from './history/stored-message.js';
export { type OutboxEntry, type OutboxLease, type Refusal, type StuckSender, targetOf } from './outbox/outbox-entry.js';
export { type AppendOptions, OutboxStore } from './outbox/outbox-store.js';
export { Store } from './store.js';
export {
  type StoredSubscription,
  type SubscribedTopics,
  SubscriptionStore,
} from './subscriptions/subscription-store.js';
