import { fraction, seconds, secondsOrLess, Setting, whole } from 'agentmq/settings';
import type { RetryPolicy } from 'agentmq/protocol';

/** In s: ten years of 365 days. */
const LONGEST_RETENTION = 315_360_000;
/** In s: a week, as in a contract's own retry options. */
const LONGEST_RETRY_DELAY = 604_800;
/** In s: RabbitMQ takes an unacknowledged message away after 30 min (its consumer_timeout). */
export const LONGEST_HANDLER_TIMEOUT = 1_700;

/** How messages are kept, sent and received. */
export class MessagingSettings {
  @Setting(seconds(1, 4_294_967), 'MESSAGE_BUS_MESSAGE_TTL', 'time to live of messages that give none')
  defaultTtlMs = 3_600_000;

  @Setting(
    secondsOrLess(0, 2_592_000),
    'MESSAGE_BUS_HANDLER_GRACE',
    'how long a message waits for an instance that handles it, while no live one does; then it is dead',
  )
  handlerGraceMs = 3_600_000;

  @Setting(
    secondsOrLess(0, 2_592_000),
    'MESSAGE_BUS_SUBSCRIPTION_GRACE',
    'how long a role keeps a subscription that none of its live instances declares',
  )
  subscriptionGraceMs = 3_600_000;

  @Setting(
    seconds(2, 3_600),
    'MESSAGE_STORE_LEASE',
    'how long a claim on a message, or on an outbox entry, lasts unless it is renewed',
  )
  leaseMs = 30_000;

  @Setting(
    whole(1, 1_000_000_000),
    'MESSAGE_STORE_OUTBOX_LIMIT',
    'messages that wait for the broker before sending another fails (`OUTBOX_FULL`)',
  )
  outboxLimit = 100_000;

  @Setting(
    seconds(1, 3_600),
    'MESSAGE_STORE_REPLAY_INTERVAL',
    'how often what is owed and on its way nowhere is looked for, and removed exchanges and bindings made again',
  )
  replayIntervalMs = 30_000;

  @Setting(
    seconds(60, LONGEST_RETENTION),
    'MESSAGE_STORE_RETENTION',
    'how long messages are kept once they are settled',
    { default: '604800 s (7 days)' },
  )
  retentionMs = 604_800_000;

  @Setting(
    seconds(60, LONGEST_RETENTION),
    'MESSAGE_STORE_DEAD_RETENTION',
    'how long dead letters are kept that were not discarded',
    { default: '2592000 s (30 days)' },
  )
  deadRetentionMs = 2_592_000_000;

  @Setting(
    seconds(1, LONGEST_HANDLER_TIMEOUT),
    'HANDLER_TIMEOUT',
    'how long a handler may run unless it says otherwise',
  )
  handlerTimeoutMs = 600_000;
}

/** How failed messages are tried again, as far as neither contract nor handler says so. */
export class RetrySettings implements RetryPolicy {
  @Setting(
    whole(1, 100),
    'RETRY_ATTEMPTS',
    'attempts at a message, the first included, unless its contract or handler says otherwise',
  )
  attempts = 5;

  @Setting(
    secondsOrLess(0, LONGEST_RETRY_DELAY),
    'RETRY_DELAY',
    'the wait after the first failure, doubled with each that follows; a fraction is allowed (`0.1`)',
  )
  delay = 1_000;

  @Setting(secondsOrLess(0, LONGEST_RETRY_DELAY), 'RETRY_MAX_DELAY', 'the longest wait; not shorter than `RETRY_DELAY`')
  maxDelay = 60_000;

  /** How much longer each wait is than the one before. */
  readonly factor = 2;
}

/** Which new traces are recorded. */
export class TraceSettings {
  @Setting(
    fraction(0, 1_000_000),
    'TRACE_RATE',
    'so many new traces a second are recorded by each process, all of them; docs/TRACING.md',
  )
  rate = 100;

  @Setting(fraction(0, 1), 'TRACE_RATIO', 'this share of those beyond is recorded. With both 0 none is')
  ratio = 0.01;
}
