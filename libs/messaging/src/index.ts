export type { Listener } from './announcements/announcements.js';
export { Batcher, type BatcherLimits } from './batcher.js';
export type {
  AnnounceOptions,
  DurableSendOptions,
  MessageBusOptions,
  RequestOptions,
  SendOptions,
  Subscription,
} from './bus-options.js';
export {
  AnswerNotEncodableError,
  BrokerDeadLetteredError,
  BusStoppedError,
  ClaimLostError,
  HandlerTimeoutError,
  MessageExpiredError,
  OutboxFullError,
  PoisonMessageError,
  TraceNotFoundError,
} from './errors.js';
export {
  currentCause,
  currentMessage,
  currentSignal,
  currentTransaction,
  inFlow,
  inTrace,
  inTransactionOf,
  joinedTransaction,
  logFields,
  untraced,
} from './flow.js';
export type { HandlerRun, HandlerRunner, HandlerRunnerOptions } from './receive/handler-runner.js';
export { ANSWERED_LATER, type Question } from './receive/steps/answerer.js';
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
export { checkSize } from './send/composer.js';
export { inboxOf } from './send/publication.js';
export { contextOf, readTrace } from './tracing/read-trace.js';
export { type AssignedWork, type Sending, Spans } from './tracing/spans.js';
export { Sampler, type SamplerOptions } from './tracing/sampler.js';
export type { Hop, HopAttempt, HopError, HopOutcome, Trace } from './tracing/trace.js';
export { childOf, newTrace, traceIdOf } from './tracing/trace-context.js';
export { LONGEST_HANDLER_TIMEOUT, MessagingSettings, RetrySettings, TraceSettings } from './settings.js';
