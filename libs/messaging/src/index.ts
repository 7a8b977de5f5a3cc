export type { Listener } from './announcements.js';
export type {
  AnnounceOptions,
  DurableSendOptions,
  MessageBusOptions,
  RequestOptions,
  SendOptions,
  Subscription,
} from './bus-options.js';
export { type DeadLetter, DeadLetters, type DeadLettersOptions } from './dead-letters.js';
export {
  BrokerDeadLetteredError,
  BusStoppedError,
  ClaimLostError,
  DeliveryNotFoundError,
  HandlerTimeoutError,
  MessageExpiredError,
  NotDeadError,
  OutboxFullError,
  PoisonMessageError,
} from './errors.js';
export type { Handling, Route } from './handler-run.js';
export { MessageBus } from './message-bus.js';
export { backoff, pause, within } from './patience.js';
export { Replayer, type ReplayerOptions, type ReplayProgress, type ReplayRun } from './replayer.js';
