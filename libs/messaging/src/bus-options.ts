import type { Inbox } from 'agentmq/broker';
import type { PayloadClass, RetryPolicy } from 'agentmq/protocol';
import type { CallerTransaction } from 'agentmq/database';
import type { Handler } from './receive/handlers/handler.js';
import type { Sealer } from './sealing/sealer.js';
import type { MessagingSettings } from './settings.js';
import type { Sampler } from './tracing/sampler.js';

/** The settings, and what the agent itself decides. */
export interface MessageBusOptions extends MessagingSettings {
  /** Sender of everything sent, claimant of everything received. */
  readonly agentId: string;
  /** The largest body that may be sent, in bytes. */
  readonly maxMessageBytes: number;
  /** How often the relay looks for due outbox entries, in ms. */
  readonly relayPollMs: number;
  /** The most outbox entries, and bytes of bodies, published at once. */
  readonly maxPublishing: number;
  readonly maxPublishingBytes: number;
  readonly retry: RetryPolicy;
  /** How long an agent that counts as live may have been silent, in ms. */
  readonly liveMs: number;
  readonly sealer: Sealer;
  readonly sampler: Sampler;
}

export interface SendOptions {
  /** 0 to 10; 5 unless given. */
  readonly priority?: number;
  /** Time to live in ms, from when the message may be delivered. */
  readonly ttl?: number;
  readonly correlationId?: string;
  /** Extra headers, passed on as they are. */
  readonly headers?: Readonly<Record<string, unknown>>;
  /** How long to wait for a store that is away, or an outbox that is full, in ms; 0 unless given. */
  readonly wait?: number;
}

/** Messages that are not stored before they are sent can neither be delayed nor be part of a transaction. */
export interface DurableSendOptions extends SendOptions {
  /** Not to be delivered before so many ms have passed, 0 or more. */
  readonly delay?: number;
  /** Not to be delivered before then, in place of `delay`. */
  readonly deliverAt?: Date;
  /**
   * The message is committed, or vanishes, with the caller's own work, and goes out once that is committed. Unless given: the
   * transaction that the app has open (see `currentTransaction` of `AgentModule.forRoot`), or that of the handler being run.
   */
  readonly transaction?: CallerTransaction;
}

export interface RequestOptions extends SendOptions {
  /** How long to wait for the answer, in ms; 30,000 unless given. The request itself lives no longer. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** The contract that the answer must keep; it is then an instance of it. */
  readonly answer?: PayloadClass;
}

export interface AnnounceOptions {
  /** How long the announcement means anything, in ms. */
  readonly ttl: number;
}

export interface Subscription {
  readonly owner: Inbox['owner'];
  readonly handlers: readonly Handler[];
  readonly concurrency: number;
  readonly prefetch: number;
}
