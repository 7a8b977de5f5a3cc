export type { Listener } from './announcements/announcements.js';
export { Batcher, type BatcherLimits } from './batcher.js';
export type {
  AnnounceOptions,
  DurableSendOptions,
  MessageBusOptions,
  PreparedMessage,
  RequestOptions,
  SendOptions,
  Subscription,
} from './bus-options.js';
export { type DeadLetter, DeadLetters, type DeadLettersOptions } from './replay/dead-letters.js';
export {
  AnswerNotEncodableError,
  BrokerDeadLetteredError,
  BusStoppedError,
  ClaimLostError,
  DeliveryNotFoundError,
  HandlerTimeoutError,
  MessageExpiredError,
  NotDeadError,
  OutboxFullError,
  PoisonMessageError,
  TraceNotFoundError,
} from './errors.js';
export {
  currentCause,
  currentMessage,
  currentSignal,
  currentTransaction,
  inTrace,
  nextTrace,
  untraced,
} from './flow.js';
export type { Handler, Handling } from './receive/handlers/handler.js';
export { MessageBus } from './message-bus.js';
export { Replayer, type ReplayerOptions, type ReplayProgress, type ReplayRun } from './replay/replayer.js';
export {
  NoSealingKeysError,
  NotSealedError,
  SealedTamperedError,
  SealedUnknownKeyError,
  SealingError,
} from './sealing/errors.js';
export { KeyRing, type KeyRingOptions } from './sealing/key-ring.js';
export { type ReadKeys, readKeys, type RingKey } from './sealing/read-keys.js';
export { readSeal, type Seal, sealedWith } from './sealing/read-seal.js';
export { type SealedFor, isSealed, SEALED_TYPE, Sealer, type SealingMode } from './sealing/sealer.js';
export { type SealingKey, SealingKeys } from './sealing/sealing-keys.js';
export { contextOf, readTrace } from './tracing/read-trace.js';
export { Sampler, type SamplerOptions } from './tracing/sampler.js';
export type { Hop, HopAttempt, HopError, HopOutcome, Trace } from './tracing/trace.js';
export { newTrace, traceIdOf } from './tracing/trace-context.js';
export { LONGEST_HANDLER_TIMEOUT, MessagingSettings, RetrySettings, TraceSettings } from './settings.js';
