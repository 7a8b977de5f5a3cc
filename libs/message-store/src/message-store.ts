import { formatRecipient, type Message, type WireError } from 'agentmq/protocol';
import type { Transaction } from 'agentmq/database';
import type {
  AgentHeartbeat,
  AgentRecord,
  AgentRegistration,
  AgentSnapshot,
  HeartbeatOutcome,
} from './agent-record.js';

/** Who a durable message is delivered to: `role.worker` or `agent.worker-1`. */
export type ConsumerName = string;

/**
 * - `pending`: owed to the consumer, not received yet
 * - `processing`: claimed (or given back, and free to claim)
 * - `retrying`: failed, due again later
 * - `completed`, `dead` or `expired`: settled
 */
export type DeliveryState = 'pending' | 'processing' | 'retrying' | 'completed' | 'dead' | 'expired';

/** An outbox entry in the hands of one process: publish the message, then settle or postpone it. */
export interface OutboxEntry {
  /** Identifies the entry; a bigint as text. */
  readonly id: string;
  /** Counts the leases of this entry; fences settle and postpone. */
  readonly lease: number;
  readonly message: Message;
  /** A retry or replay, for this consumer alone; otherwise the message goes to its recipient. */
  readonly consumer?: ConsumerName;
}

/** Where an entry goes: its consumer, or its message's recipient, e.g. `role.worker`. */
export const targetOf = ({ consumer, message }: Pick<OutboxEntry, 'consumer' | 'message'>): string =>
  consumer ?? formatRecipient(message.recipient);

/** A target whose inbox is full or missing. */
export interface Refusal {
  /** As {@link targetOf} names it. */
  readonly target: string;
  /** Entries that wait for it. */
  readonly entries: number;
  readonly since: Date;
}

/** An agent whose messages have not gone out for a while: their inboxes are full or missing, or no relay gets them published. */
export interface StuckSender {
  readonly sender: string;
  /** Messages that wait; 10,000 at most are looked at. */
  readonly entries: number;
  /** Since when the first of them might have gone out. */
  readonly since: Date;
}

/** Names an entry as it was leased. */
export type OutboxLease = Pick<OutboxEntry, 'id' | 'lease'>;

export interface AppendOptions {
  /**
   * The process that will publish at once: it holds the lease, and others leave the entry alone until it runs out.
   * The entry of a message whose `deliverAt` has not come is nobody's.
   */
  readonly owner: string;
  /** Without it, entries are nobody's, and due at once: any relay publishes them. */
  readonly leaseMs?: number;
  /** Commits with the caller's own work. */
  readonly transaction?: Transaction;
}

export interface Claim {
  readonly messageId: string;
  readonly consumer: ConsumerName;
  /** The broker took this copy from an earlier holder, whose claim, if it is by the same copy, is therefore void. */
  readonly redelivered: boolean;
  /** Which copy of the message it is, as the wire tells; '' when it does not. */
  readonly copy: string;
  /** The most attempts that may fail, those cut off by the death of the claimant included. */
  readonly attempts: number;
  /** Nothing else that is suspect is handled beside it in this process. */
  readonly alone: boolean;
}

/**
 * - `claimed`: handle it; `attempt` fences everything said about it later, `failures` have gone before; its time to live
 *   ends in `leftMs`
 * - `settled`: completed, dead or expired at this consumer already, or (`now`) by this very claim: its time to live has
 *   ended, or the last of its attempts was cut off
 * - `waiting`: a retry, not due yet; its outbox entry brings it again
 * - `busy`: another holds it, its lease runs on
 * - `suspect`: claimants of it died twice, or once and this is its last attempt; claim it again with `alone`
 * - `unknown`: the store has no such message; `record` it, then claim again
 */
export type ClaimResult =
  | { readonly outcome: 'claimed'; readonly attempt: number; readonly failures: number; readonly leftMs: number }
  | { readonly outcome: 'settled'; readonly state: SettledState; readonly now: boolean }
  | { readonly outcome: 'waiting' }
  | { readonly outcome: 'busy' }
  | { readonly outcome: 'suspect' }
  | { readonly outcome: 'unknown' };

export type SettledState = Extract<DeliveryState, 'completed' | 'dead' | 'expired'>;

/** A message at a consumer. */
export interface DeliveryRef {
  readonly messageId: string;
  readonly consumer: ConsumerName;
}

/** A delivery as one claimant holds it. */
export interface ClaimRef extends DeliveryRef {
  readonly attempt: number;
}

export interface DeliveryError extends WireError {
  readonly stack?: string;
}

/** An attempt that failed: its delivery ends, or is put on its way again in `retryInMs`. */
export type Failure = ClaimRef & { readonly error: DeliveryError } & (
    { readonly state: 'dead' | 'expired' } | { readonly state: 'retrying'; readonly retryInMs: number }
  );

/** One attempt that failed. */
export interface FailedAttempt {
  readonly attempt: number;
  readonly at: Date;
  readonly agentId: string | null;
  readonly error: DeliveryError;
}

/** A message that never got as far as a handler: unreadable, unknown, invalid or expired. */
export interface Rejection {
  readonly message: Message;
  readonly consumer: ConsumerName;
  readonly state: 'dead' | 'expired';
  readonly error: DeliveryError;
}

/** What a handler is looked for. */
export interface HandlerSought {
  readonly consumer: ConsumerName;
  readonly type: string;
  readonly version: number;
  /** That it was published to; none for what was sent to the consumer itself. */
  readonly topic?: string;
}

/** A message that came to an instance without a handler for it. */
export interface UnhandledDelivery extends DeliveryRef {
  readonly topic?: string;
  /** Why it waits, or is dead in the end. */
  readonly error: DeliveryError;
  /** Another instance has passed it on: it is not passed on again. */
  readonly forwarded: boolean;
}

export interface UnhandledOptions {
  /** The agent that asks: the message is for another. */
  readonly agentId: string;
  /** How long an agent that counts as live may have been silent, in ms. */
  readonly liveMs: number;
  /** How long a message waits for a handler, in ms. */
  readonly graceMs: number;
}

/**
 * - `forward`: send it on to that agent's own inbox; it stays owed, with no attempt counted
 * - `waiting`: for an instance that handles it (`now`: since this call), or for its retry
 * - `settled`: completed, dead or expired, or (`now`) dead by this call: it has waited for long enough
 * - `busy`: another holds it, its lease runs on
 * - `stray`: published to a topic that the consumer is not subscribed to (any more), and not owed to it
 * - `unknown`: the store has no such message; `record` it, then ask again
 */
export type UnhandledResult =
  | { readonly outcome: 'forward'; readonly agentId: string }
  | { readonly outcome: 'waiting'; readonly now: boolean }
  | { readonly outcome: 'settled'; readonly now: boolean }
  | { readonly outcome: 'busy' }
  | { readonly outcome: 'stray' }
  | { readonly outcome: 'unknown' };

/** Messages of one contract that wait at a consumer for an instance that handles it. */
export interface AwaitedHandler {
  readonly consumer: ConsumerName;
  readonly type: string;
  readonly version: number;
  readonly count: number;
  /** When the first of them began to wait. */
  readonly since: Date;
}

export interface StoredDelivery extends DeliveryRef {
  readonly state: DeliveryState;
  /** Counts the claims; 0 for one that was never claimed. */
  readonly attempt: number;
  /** Agent id of the last claimant. */
  readonly agentId: string | null;
  /** Why it is dead, expired or retrying. */
  readonly error: DeliveryError | null;
  /** The attempts that failed, oldest first, since it was last requeued; the latest 20. */
  readonly history: readonly FailedAttempt[];
  /** When it is tried again, while it is retrying. */
  readonly dueAt: Date | null;
  /** When it was first claimed, or rejected. */
  readonly receivedAt: Date | null;
  readonly finishedAt: Date | null;
  /** A dead letter that needs nobody's attention any more. */
  readonly discarded: { readonly at: Date; readonly reason: string } | null;
}

export interface StoredMessage {
  readonly message: Message;
  readonly storedAt: Date;
  /** It was stored when it came over the wire, not when it was sent: of its sender there is only what it says itself. */
  readonly received: boolean;
  /** False while an outbox entry is open. */
  readonly published: boolean;
  readonly deliveries: readonly StoredDelivery[];
}

export interface MessageFilter {
  readonly correlationId?: string;
  readonly traceId?: string;
  readonly type?: string;
  /** Those that came over the wire, or (false) those that were sent through the store; both unless given. */
  readonly received?: boolean;
  readonly consumer?: ConsumerName;
  readonly state?: DeliveryState;
  /** Dead letters that were discarded are left out unless true. */
  readonly discarded?: boolean;
  /** At most this many, in the order in which they were stored; 100 unless given, 1000 at most. */
  readonly limit?: number;
  /** Messages after the one with this id. Rejects with `InvalidSelectionError` when there is none. */
  readonly after?: string;
  /** False leaves the bodies out, which may be large: they are then empty. */
  readonly bodies?: boolean;
}

/** Which deliveries to put on their way again; every field given must hold. */
export interface ReplaySelection {
  readonly messageIds?: readonly string[];
  readonly traceId?: string;
  readonly type?: string;
  /** A topic pattern: messages that were published to a topic that it matches. */
  readonly topic?: string;
  /** Deliveries at this consumer. */
  readonly consumer?: ConsumerName;
  /** Messages stored from then on, and before then. */
  readonly from?: Date;
  readonly before?: Date;
  /** What is open (pending, retrying, processing with no lease) unless given. Discarded dead letters only by id. */
  readonly states?: readonly DeliveryState[];
  /** Only what nobody has touched for so long, in ms: neither sent, put on its way, tried, nor leased. */
  readonly quietMs?: number;
}

export interface ReplayOptions {
  /**
   * Deliver to this consumer instead of the one that each delivery belongs to: a new subscriber catches up. Messages
   * that it has completed, or is owed, already are passed over; completed ones of other consumers are taken if asked for.
   */
  readonly to?: ConsumerName;
  /**
   * They are not owed to the consumer selected any more, but to the one of `to`, which keeps what it has of them already.
   * Dead and expired ones begin anew. At the old consumer each is a discarded dead letter that says so.
   */
  readonly move?: boolean;
  /** Changes nothing, only counts. */
  readonly dryRun?: boolean;
  /** At most this many in one call, oldest first; 1,000 unless given, 10,000 at most. */
  readonly limit?: number;
  /** Where the call before ended. */
  readonly after?: ReplayCursor;
}

/** A place in the order of replay, opaque to callers. */
export type ReplayCursor = string;

export interface ReplayBatch {
  /** Deliveries that the selection holds. */
  readonly matched: number;
  /** Of these put on their way (with `dryRun`: that would be); what is completed at its consumer, or on its way already, is not. */
  readonly replayed: number;
  /** Undefined when there are no more. */
  readonly next?: ReplayCursor;
}

/** What a consumer's inbox is bound to. */
export interface SubscribedTopics {
  readonly topics: readonly string[];
  /** Patterns that it had before, and has no more. */
  readonly dropped: readonly string[];
  /** Those of the dropped ones that ended for want of a live instance that declares them. */
  readonly undeclared: readonly string[];
}

export interface StoredSubscription {
  readonly consumer: ConsumerName;
  /** Of topics; '' for broadcasts. */
  readonly pattern: string;
  readonly since: Date;
  /** Since when the role has had live instances of which none declares it. */
  readonly undeclaredSince: Date | null;
  readonly endedAt: Date | null;
  /** Why it has ended. */
  readonly reason: string | null;
}

/** What one flow of messages came to. */
export interface TraceSummary {
  /** Senders and claimants, in the order in which they first appeared. */
  readonly agents: readonly string[];
  readonly messages: number;
  readonly completed: number;
}

/**
 * Something that happened to a message of a recorded trace. `sent`: it was handed to the broker, which confirmed it, or
 * did not. `received`: an agent made one attempt at it.
 */
export interface HopRecord {
  readonly traceId: string;
  readonly messageId: string;
  readonly side: 'sent' | 'received';
  /** The sender, or the agent that received it. */
  readonly agentId: string;
  /** Of `received`. */
  readonly consumer?: ConsumerName;
  /** 1 for the first; as deliveries count it. */
  readonly attempt: number;
  readonly beganAt: Date;
  readonly endedAt: Date;
  readonly outcome: string;
  readonly error?: Pick<WireError, 'name' | 'code'>;
  /** Only of a message that is not in the store. */
  readonly about?: HopMessage;
}

/** What a hop says of its message. */
export interface HopMessage {
  readonly kind: string;
  readonly type: string;
  readonly sender: string;
  /** As `formatRecipient` writes it. */
  readonly recipient: string;
  readonly causationId?: string;
}

export interface StoreCounts {
  readonly messages: number;
  readonly outbox: number;
  readonly deliveries: Readonly<Record<DeliveryState, number>>;
}

/** What a consumer is owed, or ended dead there and was not discarded. */
export interface ConsumerFigure {
  readonly consumer: ConsumerName;
  readonly state: 'pending' | 'processing' | 'retrying' | 'dead';
  readonly count: number;
}

/** What waits in the store, and where. */
export interface StoreFigures {
  /** As {@link MessageStore.outboxSize} counts. */
  readonly entries: number;
  /** How long the oldest of these has been due, in s; null when there is none. */
  readonly oldest: number | null;
  readonly refusing: readonly Pick<Refusal, 'target' | 'entries'>[];
  readonly deliveries: readonly ConsumerFigure[];
}

/**
 * The persistence port. Every method rejects with `StoreUnavailableError` (retryable) when the database can't be reached
 * or refuses for a reason that may pass, with `StoreAccessError` when it does not let this process in, with
 * `RefusedDataError` when it can't hold a value, and with `StatementError` when a statement is wrong for it: never with
 * an error of the driver's, but for a caller's own statements. Each method is one atomic statement or transaction. Times are
 * the database's own clock. Arrays are batches: the hot statements take hundreds of entries at once, in any order, and answer
 * in the order asked.
 */
export abstract class MessageStore {
  /** The database schema of this namespace. */
  abstract readonly schema: string;
  /**
   * How many transactions run at once; others wait. Where it is 1, the embedded database, a statement outside of the
   * transaction that is open waits for its end, so who awaits one within it waits for ever.
   */
  abstract readonly transactionsAtOnce: number;

  /** Brings the schema up to date: once, however many processes start together. Throws `SchemaTooNewError` on a schema that a newer version broke. */
  abstract migrate(): Promise<void>;

  /**
   * Runs `work` in a transaction: commits when it resolves, rolls back when it rejects. Waits for its turn while too many
   * are open, which leave no connection to the rest. Whatever `work` rejects with is passed on as it is;
   * `StoreUnavailableError` is what this transaction's own connection said. A statement that timed out, or was rolled
   * back in favour of another transaction, is no outage: its error is the driver's. Rejects with
   * `TransactionEndedError` when `work` resolved though a statement had failed, so that nothing could be committed.
   */
  abstract transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;

  /**
   * Runs one statement of a caller's own by itself, in no transaction of anybody's and behind none of them. Tables are to be
   * named with their `schema`. An error that is no outage is the driver's.
   */
  abstract query<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;

  // -- sending

  /**
   * Stores messages with an outbox entry each. Resolves when committed (with a transaction: when that is), with a lease
   * for each message, in the order given. A message id that is stored already keeps its first version and gets no
   * second entry: it is answered with the entry that `owner` still holds (so that an append which may have been
   * committed can be repeated), else with a lease of 0, which names no entry and which settling and postponing pass over.
   */
  abstract append(messages: readonly Message[], options: AppendOptions): Promise<OutboxLease[]>;

  /**
   * The database's time, which all others are measured by.
   */
  abstract now(): Promise<Date>;

  /**
   * Open outbox entries, but for what is scheduled (delayed sends, retries) and not due yet, and for those of targets that
   * refuse; counted no further than `atMost`.
   */
  abstract outboxSize(atMost: number): Promise<number>;

  /** The targets that could not take what was published to them, those with the most entries first; 1,000 at most. */
  abstract refusals(): Promise<Refusal[]>;

  /** The senders of messages that have waited in the outbox for `olderThanMs` since they might have gone out, by name. */
  abstract stuckSenders(olderThanMs: number): Promise<StuckSender[]>;

  /**
   * What an earlier process of the same owner left is free at once: its outbox entries are due, and the leases of its
   * claims end. Called before the owner's first send.
   */
  abstract takeOver(owner: string): Promise<void>;

  /** Closes entries whose message the broker has confirmed. An entry that another has leased since stays. */
  abstract settle(leases: readonly OutboxLease[]): Promise<void>;

  /** Gives entries back, to be published again in `delayMs`. `refused`: their target's inbox is full or missing. */
  abstract postpone(leases: readonly OutboxLease[], delayMs: number, error: string, refused?: boolean): Promise<void>;

  /**
   * Closes entries of messages to many that not all could take: each consumer that has not claimed its message in `delayMs`
   * gets it then by an entry of its own, but no more than `limit` entries for one that refuses. What is beyond stays owed.
   */
  abstract split(leases: readonly OutboxLease[], delayMs: number, limit: number): Promise<void>;

  /**
   * Leases due entries, oldest first, skipping those that others hold; expired messages are closed instead, as
   * `expired`. At most `limit`, and fewer when their bodies are large: only an empty answer means that none is due.
   * The messages' `attempt` is the entry's lease, which is above 1 for every copy. Entries whose target (see
   * {@link targetOf}) is in `skip` are left: their inboxes are full.
   */
  abstract leaseDue(owner: string, limit: number, leaseMs: number, skip?: readonly string[]): Promise<OutboxEntry[]>;

  // -- receiving

  /**
   * Stores messages that came from outside, with no outbox entry; one already stored is left as it is. Answers of each
   * whether what is stored under its id has its type, version and body: else it is another message.
   */
  abstract record(messages: readonly Message[]): Promise<boolean[]>;

  /**
   * Claims deliveries for `owner`, each for `leaseMs`; expiry is decided here, by the database's clock. Of one asked for
   * twice in a batch, the ask with `alone`, else the redelivered one, is answered; the other is `busy`.
   */
  abstract claim(claims: readonly Claim[], owner: string, leaseMs: number): Promise<ClaimResult[]>;

  /** Prolongs claims that are still held; answers which were. */
  abstract renew(claims: readonly ClaimRef[], leaseMs: number): Promise<boolean[]>;

  /**
   * Records completion, where the claim is still the claimant's: false means fenced off. In a transaction it comes last:
   * one that then idles for 5 s is ended, and its connection with it.
   */
  abstract complete(claims: readonly ClaimRef[], transaction?: Transaction): Promise<boolean[]>;

  /** Records failures, fenced likewise; a retry gets its outbox entry in the same statement. */
  abstract fail(failures: readonly Failure[]): Promise<boolean[]>;

  /** Gives claims back unhandled, so that the next delivery is claimed at once. */
  abstract release(claims: readonly ClaimRef[]): Promise<void>;

  /** Records messages that never reached a handler, and why. A delivery that is claimed or settled is left as it is. */
  abstract reject(rejections: readonly Rejection[]): Promise<void>;

  // -- messages without a handler

  /** Decides what becomes of messages that an instance has no handler for. Answers in the order asked. */
  abstract unhandled(deliveries: readonly UnhandledDelivery[], options: UnhandledOptions): Promise<UnhandledResult[]>;

  /** Of what is not stored: another live agent that handles it, if there is one. Answers in the order asked. */
  abstract elsewhere(
    sought: readonly HandlerSought[],
    options: Omit<UnhandledOptions, 'graceMs'>,
  ): Promise<(string | undefined)[]>;

  /**
   * Makes due at once what waits at these consumers for a handler that a live agent has by now, and what was forwarded to
   * an agent that is gone; at most `limit`. Resolves with how many.
   */
  abstract rouse(consumers: readonly ConsumerName[], liveMs: number, limit: number): Promise<number>;

  /** What waits for a handler at these consumers, by contract; at most 100 of them, those with the most messages first. */
  abstract waitingForHandler(consumers: readonly ConsumerName[]): Promise<AwaitedHandler[]>;

  /** Broadcasts that the consumer turned out not to handle: it is not owed them. What is claimed or settled stays. */
  abstract disown(deliveries: readonly DeliveryRef[]): Promise<void>;

  /**
   * What the broker took out of inboxes before it was settled: what the record has open is put on its way again, or settled
   * if its time is over. Answers of each what is on record: its delivery, its message alone, or neither.
   */
  abstract takeBack(deliveries: readonly DeliveryRef[]): Promise<('delivery' | 'message' | 'neither')[]>;

  // -- subscriptions

  /**
   * From now on the consumer is owed what is published to topics that the patterns match and, if `broadcast`, what is
   * broadcast. Patterns that it had keep the time they began. A role keeps those that it had beside these: others of its
   * instances may declare them. An agent does not: it is one. Resolves with all that the consumer has now.
   */
  abstract subscribe(
    consumer: ConsumerName,
    patterns: readonly string[],
    broadcast: boolean,
  ): Promise<SubscribedTopics>;

  /** The topics of a consumer. */
  abstract topics(consumer: ConsumerName): Promise<SubscribedTopics>;

  /** Of a consumer, or of all: topics (and '' for broadcasts), and what has ended. */
  abstract subscriptions(consumer?: ConsumerName): Promise<StoredSubscription[]>;

  /** What a consumer is subscribed to becomes another one's; of an agent, broadcasts end. Resolves with the topics moved. */
  abstract moveSubscriptions(from: ConsumerName, to: ConsumerName): Promise<string[]>;

  /** Ends a subscription at once, on record, until an instance that declares it starts. False when there is none. */
  abstract endSubscription(consumer: ConsumerName, pattern: string, reason: string): Promise<boolean>;

  /**
   * Ends, on record, the patterns of roles that have had live instances (heard of in the last `liveMs`), of which none has
   * declared it, for `graceMs`. While a role has no live instance nothing of it ends. One process at a time does it;
   * resolves with what it ended.
   */
  abstract endUndeclared(liveMs: number, graceMs: number): Promise<Pick<StoredSubscription, 'consumer' | 'pattern'>[]>;

  /** The consumer is owed nothing more. */
  abstract unsubscribe(consumer: ConsumerName): Promise<void>;

  // -- replay, dead letters, retention

  /** Messages that the consumer is owed and has not settled, oldest first; `limit` and `after` as in `list`. */
  abstract getUnprocessed(
    consumer: ConsumerName,
    page?: Pick<MessageFilter, 'limit' | 'after'>,
  ): Promise<StoredMessage[]>;

  /**
   * Puts deliveries on their way again, oldest first: each gets an outbox entry unless it has one. Dead and expired ones
   * begin anew, with all their attempts and their whole time to live.
   */
  abstract replay(selection: ReplaySelection, options?: ReplayOptions): Promise<ReplayBatch>;

  /** Discards dead letters; answers which were dead. */
  abstract discard(deliveries: readonly DeliveryRef[], reason: string, transaction?: Transaction): Promise<boolean[]>;

  /** Settles as `expired` what is owed, unclaimed and out of time, and on its way nowhere; at most `limit`. Resolves with how many; one process at a time does it, the others get 0. */
  abstract expire(limit: number): Promise<number>;

  /**
   * Deletes messages stored longer ago than `settledMs` with everything about them, if every delivery was settled as
   * long ago and none is a dead letter younger than `deadMs` that nobody discarded. At most `limit`; resolves with how many.
   */
  abstract forget(age: { readonly settledMs: number; readonly deadMs: number }, limit: number): Promise<number>;

  // -- reading

  abstract find(messageId: string): Promise<StoredMessage | undefined>;
  abstract list(filter: MessageFilter): Promise<StoredMessage[]>;
  /** Sums up the trace that a message belongs to, itself alone when it has none. Reads no bodies. */
  abstract trace(message: Pick<Message, 'messageId' | 'trace'>): Promise<TraceSummary>;
  abstract counts(): Promise<StoreCounts>;

  /**
   * What waits and what is dead, at these consumers (0 where there is nothing) and, with `all`, at the others that have
   * something of it as well. Costs as much as is found, whatever the history.
   */
  abstract figures(consumers: readonly ConsumerName[], all: boolean): Promise<StoreFigures>;

  // -- hops

  /** Stores what happened to messages, as it is given. */
  abstract recordHops(hops: readonly HopRecord[]): Promise<void>;

  /** The hops of a trace, in the order in which they were recorded; at most `limit`. */
  abstract hops(traceId: string, limit: number): Promise<HopRecord[]>;

  /** The trace that hops of this message were recorded for. */
  abstract hopTrace(messageId: string): Promise<string | undefined>;

  /** Deletes the oldest hops, those recorded longer ago than `ageMs`; at most `limit`. Resolves with how many. */
  abstract forgetHops(ageMs: number, limit: number): Promise<number>;

  // -- agents

  /** Registers an agent, replacing an earlier instance of the same id. Resolves with what is on record now. */
  abstract registerAgent(agent: AgentRegistration): Promise<AgentRecord>;

  /** Writes down that the instance is alive now, and what it says of itself; see {@link HeartbeatOutcome}. */
  abstract heartbeat(heartbeat: AgentHeartbeat): Promise<HeartbeatOutcome>;

  /** Marks the instance as stopped. */
  abstract deregisterAgent(agent: Pick<AgentRecord, 'id' | 'instance'>): Promise<void>;

  /** All agents of one moment, or those of these ids, the stopped and the silent included. */
  abstract agents(ids?: readonly string[]): Promise<AgentSnapshot>;

  /**
   * Ends ephemeral agents that have said nothing for `silentMs`: they, their subscriptions, and what they are owed, which
   * expires. To be called by a process that can tell silence from its own being cut off. Resolves with their ids.
   */
  abstract endAgents(silentMs: number): Promise<string[]>;

  /**
   * Forgets agents that have said nothing for `silentMs`, unless that is true of all; 24 h later, unless they subscribed
   * again or are back, they are owed nothing more.
   */
  abstract forgetAgents(silentMs: number): Promise<void>;

  // -- life

  /** Resolves when the database answers, and takes writes. */
  abstract ping(): Promise<void>;

  /** Closes the connections. Safe to call twice. */
  abstract close(): Promise<void>;
}
