import type { Recipient, WireMessage } from 'agentmq/protocol';

/** What waits for one consumer: a role's queue, shared by its instances, or one agent's own. */
export interface Inbox {
  /** `{kind: 'role', name: 'worker'}` or `{kind: 'agent', name: 'worker-1'}`. */
  readonly owner: Recipient & { readonly kind: 'role' | 'agent' };
  /** Topic patterns bound to it; `*` is one word, `#` any number. */
  readonly topics: readonly string[];
  /**
   * Patterns that were bound to it before and are not any more: unbound when a consumer first declares it, and not again
   * when it comes back: another consumer may have bound them since. One that is also in `topics` stays bound; one that is not
   * bound is ignored.
   */
  readonly dropped?: readonly string[];
}

/** A message to publish. */
export interface Publication extends WireMessage {
  readonly recipient: Recipient;
  /** Reject with `NoRecipientError` when no queue takes it. */
  readonly mandatory: boolean;
  /** Survives a restart of the broker. */
  readonly persistent: boolean;
}

/** A message as it came. */
export interface Incoming extends WireMessage {
  /** As the exchange and the routing key tell it. */
  readonly recipient: Recipient;
  /** The broker has handed it out before, to a holder that it no longer counts as one. */
  readonly redelivered: boolean;
}

/** A message that the broker itself took out of a queue: it expired there, or no consumer can have it. */
export interface DeadLettered extends WireMessage {
  /** The owner of the inbox that it waited in; undefined when it was in no inbox of this namespace. */
  readonly owner: Inbox['owner'] | undefined;
  /** Why: `expired`, `rejected`, `maxlen` or `delivery_limit`, or what a newer broker says; `unknown` if it does not say. */
  readonly reason: string;
  /** The time to live in its queue that it was published with, in ms; undefined when it had none of its own. */
  readonly expiration: number | undefined;
  /** How often this happened to it in this queue for this reason; 1 or more. */
  readonly count: number;
  /** What it was sent to, as exchange and routing key tell; undefined when they are not this namespace's. */
  readonly recipient: Recipient | undefined;
}

export interface FlowOptions {
  /** The most messages held unacknowledged, over both lanes together (1-65535); with 1, one in each lane. */
  readonly prefetch: number;
  /** The most handlers that run at once; by default all that is prefetched. What waits is ordered by priority. */
  readonly concurrency?: number;
}

export interface ConsumeOptions extends FlowOptions {
  /** Declares the inbox, and takes nothing from it before `InboxConsumer.resume`. */
  readonly paused?: boolean;
  /**
   * Called whenever the inbox, or one of its lanes, was not there and had to be declared anew, so that whatever had
   * waited in it is gone: at first (before `consume` resolves), or when it was deleted, or its broker wiped, under the
   * consumer. By then its messages flow. Of consumers that declare it together at least one is told, and one may be told
   * twice. Not called for an inbox that was there, nor when a connection comes back to one. Must not throw.
   */
  readonly onCreated?: () => void;
}

/** Resolving acknowledges the message; rejecting returns it to its queue, to be delivered again. */
export type MessageHandler<M extends WireMessage> = (message: M) => Promise<void>;
export type IncomingHandler = MessageHandler<Incoming>;

export interface Consumer {
  /**
   * Stops new deliveries. Resolves when the running handlers have ended and their messages are acknowledged, or
   * after `timeoutMs`, when what is left unfinished (and what was never started) goes back to the queue.
   * Safe to call again: the first of the times to be over counts.
   */
  close(timeoutMs?: number): Promise<void>;
}

/** The patterns of an inbox, as they are to be from now on. */
export type Topics = Pick<Inbox, 'topics' | 'dropped'>;

export interface InboxConsumer extends Consumer {
  /**
   * From now on the inbox is to be bound to these topics, and once not to the dropped ones. Resolves when that is so at
   * the broker. Rejects with `BrokerUnavailableError` while that is away: then it is so when the consumer comes back.
   */
  rebind(topics: Topics): Promise<void>;

  /**
   * Takes nothing from the inbox until `resume`, also after a connection was lost: at once no handler starts any more, and
   * what was fetched and not started goes back to the queue. The running handlers end, and their messages are acknowledged.
   * The inbox and its bindings stay; one that the broker removes all the same is made again, and `onCreated` is called.
   * Safe to call twice.
   */
  pause(): void;

  /** Takes from the inbox again. Handlers that were running before count for the concurrency. Does nothing after `close`. */
  resume(): void;
}

export interface WireRequestOptions {
  /** How long to wait for the answer, in ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Called at most once: when the broker has confirmed the request, unless it was answered before. */
  readonly onPublished?: () => void;
}

export interface BrokerStatus {
  readonly type: 'in_memory' | 'rabbitmq' | 'redis';
  /** Also false while a consumer or listener of this process is being made, or made again. */
  readonly connected: boolean;
  /** What is published goes out now, whatever is being received. */
  readonly sends: boolean;
  /** The broker takes no publications for now (`connection.blocked`). */
  readonly blocked: boolean;
  /** What an operator should know: what exists otherwise than it is declared, and what was missing and made again. */
  readonly remarks?: readonly string[];
}

/**
 * Something that keeps this process from sending or receiving:
 * - `not_connected`: there is no connection, or no channel for publications
 * - `consumer_lost`: connected, but an inbox is not read, or topics are not heard: subscribing again has failed so far
 * - `binding_missing`: an exchange or a binding that its inboxes need could not be made again so far
 * - `blocked`: the broker takes no publications: it is low on memory or disk
 */
export interface BrokerFault {
  readonly kind: 'not_connected' | 'consumer_lost' | 'binding_missing' | 'blocked';
  /** Of what: a connection, a queue, topics. */
  readonly of: string;
  /** The last error, or what the broker says. */
  readonly reason: string;
  readonly since: Date;
}

/** What a broker object has been through since it was made. */
export interface BrokerFigures {
  /** Connections that were lost. */
  readonly connectionsLost: number;
  /** For how long the broker took no publications, in ms, in all. */
  readonly blockedMs: number;
  /** Publications that wait to be sent or confirmed, now. */
  readonly unconfirmed: number;
}

/** What an adapter promises beyond the port; the conformance suite skips nothing silently: a false one is listed. */
export interface Features {
  readonly priority: boolean;
  readonly queueLimit: boolean;
  readonly survivesRestart: boolean;
  readonly ttl: boolean;
}

/**
 * The transport. Direct, role, topic and broadcast delivery with confirms, competing consumers and request-response.
 * Everything lost with a connection is restored by the adapter: topology, consumers, publications not yet confirmed.
 */
export abstract class Broker {
  abstract readonly features: Features;

  /** Connects and declares the exchanges. What a broker that is down means here is the adapter's `start` option. */
  abstract start(): Promise<void>;

  /**
   * Declares the inbox and delivers its messages. Resolves once messages flow. An inbox that exists with other arguments
   * is used as it is. What of it is removed at run time is made again.
   * Throws `TopologyError` when something of its name can't be used at all.
   */
  abstract consume(inbox: Inbox, options: ConsumeOptions, handler: IncomingHandler): Promise<InboxConsumer>;

  /**
   * Delivers what the broker itself takes out of the inboxes of this namespace: messages that expired there, above all.
   * Its consumers compete for them; without a consumer they wait. Resolves once they flow. Throws
   * `TopologyError` when something of their queue's name can't be used.
   */
  abstract consumeDeadLetters(options: FlowOptions, handler: MessageHandler<DeadLettered>): Promise<Consumer>;

  /**
   * Hears what is published to these topics (patterns, as an inbox's) from now on: at most once, in order, this broker
   * object alone, and apart from any inbox, so that nothing waits behind what consumers hold. Nothing is kept while it is not
   * connected; of what the handler is too slow for, the oldest is dropped. A message that is heard has found a recipient.
   * Resolves when it listens. `close` of the result ends it at once. What the handler throws is ignored.
   */
  abstract listen(topics: readonly string[], handler: (message: Incoming) => void): Promise<Consumer>;

  /**
   * Resolves when the broker has taken responsibility (publisher confirm). Rejects with `NoRecipientError` (mandatory
   * only), `QueueFullError`, `MessageTooLargeError`, `BrokerUnavailableError` (not connected within the adapter's limit,
   * or too many publications wait), `BrokerClosedError`. After a rejection other than `NoRecipientError` it may have
   * been taken all the same.
   */
  abstract publish(publication: Publication): Promise<void>;

  /**
   * Publishes, mandatory, and resolves with the first answer. Rejects as `publish` does, and with `RequestTimeoutError`,
   * `RequestInterruptedError` (the connection that the answer would have come over was lost), or the signal's reason.
   */
  abstract request(publication: Publication, options: WireRequestOptions): Promise<WireMessage>;

  /**
   * Answers a request at its `replyTo`. Resolves when confirmed. Rejects with `NoRecipientError` when the address is
   * gone, as far as the broker tells: RabbitMQ does not for direct reply-to.
   */
  abstract reply(replyTo: string, reply: WireMessage): Promise<void>;

  /** Messages ready in an inbox, all lanes; undefined when it does not exist. Rejects with `BrokerUnavailableError` when the broker can't be asked. */
  abstract inboxSize(owner: Inbox['owner']): Promise<number | undefined>;

  /** Removes an agent's own inbox and what is in it. Safe to call twice. */
  abstract deleteInbox(owner: Inbox['owner']): Promise<void>;

  abstract status(): BrokerStatus;

  /** What is wrong now; each goes by itself once it is well again. Empty after `close`. */
  abstract faults(): readonly BrokerFault[];

  /** For metrics. */
  abstract figures(): BrokerFigures;

  /**
   * Closes every consumer, waits for publications to be confirmed, and disconnects; at most `timeoutMs`, after which
   * what is unfinished rejects with `BrokerClosedError`. Safe to call twice.
   */
  abstract close(timeoutMs?: number): Promise<void>;
}
