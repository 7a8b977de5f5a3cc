import { Logger } from '@nestjs/common';
import { type Broker, QueueFullError } from 'agentmq/broker';
import {
  type ContractDefinition,
  type Envelope,
  errorText,
  InvalidMessageError,
  isToMany,
  type Message,
  type PayloadClass,
  type Recipient,
} from 'agentmq/protocol';
import { type CallerTransaction, DatabaseClock, type Transaction } from 'agentmq/database';
import type { AwaitedHandler, Store } from 'agentmq/message-store';
import type { Metrics } from 'agentmq/telemetry';
import { within } from 'agentmq/time';
import { Activity } from './activity.js';
import { Announcements, type Listener } from './announcements/announcements.js';
import type {
  AnnounceOptions,
  DurableSendOptions,
  MessageBusOptions,
  RequestOptions,
  Subscription,
} from './bus-options.js';
import { BusStoppedError } from './errors.js';
import { currentTransaction, joinedTransaction } from './flow.js';
import { MessageMetrics } from './message-metrics.js';
import { HandlerWatch } from './receive/unhandled/handler-watch.js';
import { Answerer, type Question } from './receive/steps/answerer.js';
import type { HandlerRunner, HandlerRunnerOptions } from './receive/handler-runner.js';
import { Receiving } from './receive/receiving.js';
import { errorRecord } from './receive/rejected/error-record.js';
import { MessageSealing } from './sealing/message-sealing.js';
import type { OutboxLoad } from './send/capacity/send-capacity.js';
import { checkWait, Composer } from './send/composer.js';
import { Outbox } from './send/outbox.js';
import { publicationOf } from './send/publication.js';
import { Requests } from './send/requests.js';
import { ResponseMetrics } from './send/response-metrics.js';
import { sendOf } from './tracing/spans.js';
import { Tracing } from './tracing/tracing.js';
import { Upkeep } from './upkeep.js';

/** How long a stop waits for the hops to be written. */
const HOPS_WITHIN_MS = 1_000;

/** Joins broker and store: durable sending and receiving, requests, and messages that need neither. */
export class MessageBus {
  private readonly logger = new Logger('MessageBus');
  private readonly activity = new Activity();
  private readonly clock: DatabaseClock;
  private readonly composer: Composer;
  private readonly sealing: MessageSealing;
  private readonly outbox: Outbox;
  private readonly upkeep: Upkeep;
  private readonly receiving: Receiving;
  private readonly watch: HandlerWatch;
  private readonly announcements: Announcements;
  private readonly tracing: Tracing;
  private readonly metrics: MessageMetrics;
  private readonly requests: Requests;
  private readonly answerer: Answerer;
  private state: 'new' | 'running' | 'stopped' = 'new';

  constructor(
    private readonly broker: Broker,
    private readonly store: Store,
    metrics: Metrics,
    private readonly options: MessageBusOptions,
  ) {
    store.database.joinBy(currentTransaction);
    this.clock = new DatabaseClock(store.database);
    this.metrics = new MessageMetrics(metrics, this.activity.note);
    this.sealing = new MessageSealing(options.sealer, options.maxMessageBytes);
    const { sample } = options.sampler;
    this.tracing = new Tracing(store.hops, this.metrics.hops, options.agentId, this.clock.now, sample);
    this.composer = new Composer(options, this.clock.now);
    this.outbox = new Outbox(broker, store, this.clock.now, this.tracing, this.activity, this.metrics, options);
    this.requests = new Requests(
      broker,
      this.composer,
      this.outbox,
      this.sealing,
      this.tracing,
      this.metrics,
      new ResponseMetrics(metrics),
    );
    const receiving = {
      broker,
      store,
      metrics: this.metrics,
      options,
      now: this.clock.now,
      sealing: this.sealing,
      tracing: this.tracing,
      wakeRelay: () => this.outbox.wake(),
    };
    this.receiving = new Receiving(receiving);
    this.answerer = new Answerer(receiving, (what, error) => this.logger.warn(`${what}: ${errorText(error)}`));
    this.watch = new HandlerWatch(receiving, () => this.receiving.consumers);
    this.upkeep = new Upkeep(store, this.clock, this.watch, this.receiving, this.activity, this.metrics, options);
    this.announcements = new Announcements(
      broker,
      this.composer,
      this.outbox.capacity.announced,
      this.metrics,
      this.clock.now,
      this.tracing,
    );
  }

  /** Messages being handled now, and what else runs handlers. */
  get inFlight(): number {
    return this.receiving.inFlight;
  }

  /** Nothing is left of what this agent has taken. */
  get isIdle(): boolean {
    return this.receiving.isIdle;
  }

  /**
   * From now on the inboxes of these consumers (`role.worker`, `agent.worker-1`) are not read, and all others of this agent are. What
   * was taken from them is finished. Inboxes that are subscribed to later are not read either. Safe to call at any time.
   */
  pause(consumers: readonly string[]): void {
    this.receiving.pause(consumers);
  }

  /** For how long, in ms, all places of one receiver, or of a runner of handlers, have been taken without one being freed; undefined while each has a free one. */
  get stalledMs(): number | undefined {
    return this.receiving.stalledMs;
  }

  /** What waits at this agent's role, or at itself, for an instance that handles it. Rejects as the store does. */
  waitingForHandler(): Promise<readonly AwaitedHandler[]> {
    return this.watch.look();
  }

  /** What waits to be published, as this process knows it. */
  get outboxLoad(): OutboxLoad {
    return this.outbox.capacity.load;
  }

  get isRunning(): boolean {
    return this.state === 'running';
  }

  /**
   * Takes over what an earlier process of the same agent left, and starts the relay; from here on messages can be sent.
   * Rejects with `StoreUnavailableError` while the store is away: call it again.
   */
  async start(): Promise<void> {
    this.throwIfNotNew();
    await this.store.outbox.takeOver(this.options.agentId);
    await this.clock.sample();
    this.throwIfNotNew();
    this.state = 'running';
    this.outbox.start();
    this.upkeep.start();
  }

  /** Receives messages. Resolves when they flow; waits for a store that is away. */
  async subscribe(subscription: Subscription): Promise<void> {
    this.throwIfNotRunning();
    await this.receiving.subscribe(subscription);
  }

  /** Runs handlers for what comes to the agent by no inbox. What runs is to be ended before the bus is stopped: by its user. */
  runner(options: HandlerRunnerOptions): HandlerRunner {
    return this.receiving.runner(options);
  }

  /** Handlers have come, or gone, with an agent: what waited for them, or was sent on to them, is due at once. Never rejects. */
  async handlersChanged(): Promise<void> {
    this.activity.note();
    await this.watch.rouse().catch((error: unknown) => {
      this.logger.warn(`handlers: ${String(error)}`);
    });
  }

  /** After this agent was given up for its silence: it is owed again what it subscribed to. Rejects as the store does. */
  async subscribeAgain(): Promise<void> {
    await this.receiving.subscribeAgain();
  }

  /**
   * Sends to a role, an agent, a topic or all. A durable message is resolved once committed in the store (in a
   * transaction: written there): it will reach its recipient, whatever dies. A transient one is resolved once the broker
   * confirmed it. Rejects with `ContractViolationError`, `InvalidMessageError`, `MessageTooLargeError`, `NoSealingKeysError`; durable:
   * `StoreUnavailableError`, `OutboxFullError`; transient: whatever `Broker.publish` rejects with.
   */
  async send<P extends object>(
    recipient: Recipient,
    contract: ContractDefinition<P>,
    payload: P,
    options: DurableSendOptions = {},
  ): Promise<Envelope> {
    this.throwIfNotRunning();
    const durable = contract.durable ?? recipient.kind !== 'broadcast';
    const wait = checkWait(options.wait ?? 0);
    const transaction = this.transactionOf(options.transaction, durable);
    const sending = this.tracing.spans.sending(durable ? 'create' : sendOf(recipient), recipient, contract);
    try {
      const composed = this.composer.compose(recipient, contract, payload, options, { trace: sending.trace, durable });
      const message = contract.sensitive ? await this.sealing.seal(composed) : composed;
      await (durable ? this.outbox.send(message, wait, transaction) : this.publishTransient(message));
      this.metrics.sent(message.type, recipient.kind);
      sending.sent(message);
      return message;
    } catch (error) {
      sending.failed(errorRecord(error, { contract }));
      throw error;
    }
  }

  /**
   * Sends a request and resolves with the payload of the answer. Rejects as `send` does, with `RemoteError` when the
   * handler failed, with `ContractViolationError` for an answer that does not keep `answer`, with `SealingError` for one that can't be opened, and with `NoRecipientError`, `RequestTimeoutError`, `RequestInterruptedError` or the signal's reason.
   * It is part of no transaction: it is to be answered before that could be committed.
   */
  async request<P extends object>(
    recipient: Recipient,
    contract: ContractDefinition<P>,
    payload: P,
    options: RequestOptions = {},
  ): Promise<unknown> {
    this.throwIfNotRunning();
    return this.requests.request(recipient, contract, payload, options);
  }

  /**
   * Answers a request whose handler returned `ANSWERED_LATER`: with a value, or, given an error, as if the handler had thrown it.
   * Resolves when that was tried; a requester that is gone, or out of reach, is none to reject for.
   */
  async answer(request: Question, outcome: { readonly value: unknown } | { readonly error: unknown }): Promise<void> {
    this.throwIfNotRunning();
    if ('error' in outcome) await this.answerer.fail(request, outcome.error);
    else await this.answerer.answer(request, outcome.value);
  }

  /**
   * Tells a topic's listeners something that is worth nothing later: at most once, stored nowhere, after `ttl` not at all.
   * Never waits, and drops it, with a line in the debug log, when the broker is not connected, blocked, or slow to confirm.
   * Throws `ContractViolationError`, `InvalidMessageError` or `MessageTooLargeError`, and nothing else.
   */
  announce<P extends object>(topic: string, contract: PayloadClass<P>, payload: P, options: AnnounceOptions): void {
    this.announcements.announce(topic, contract, payload, options);
  }

  /**
   * Hears what is published to topics (patterns) from now on, as each listener does, and apart from every inbox: neither waits
   * for the other. `handle` is called for each message of this contract that is not expired; what it sends is part of no
   * flow but its own, and what it throws is logged. Everything else is dropped, with a line in the debug log. Resolves when it
   * listens; waits for a broker that is away, and by itself listens again to one that was. Ends with `stopReceiving`.
   * Rejects with `InvalidMessageError` for a pattern that is none, `NotAContractError`, `BusStoppedError`.
   */
  async listen<P extends object>(
    topics: readonly string[],
    contract: PayloadClass<P>,
    handle: (payload: P, message: Envelope) => void,
  ): Promise<Listener> {
    this.throwIfNotRunning();
    return this.announcements.listen(topics, contract, handle);
  }

  /**
   * How many messages wait at the broker for a role or an agent; undefined for one that has no inbox. Rejects with
   * `BrokerUnavailableError` while the broker is away.
   */
  async waiting(recipient: Recipient): Promise<number | undefined> {
    const { kind, name } = recipient;
    if (kind !== 'role' && kind !== 'agent') throw new InvalidMessageError('recipient', `a ${kind} has no inbox`);
    return this.broker.inboxSize({ kind, name });
  }

  /**
   * Stops receiving, lets handlers end, and lets publications be confirmed, within about `timeoutMs`; what has not
   * ended by then is given back. Safe to call twice.
   */
  async stop(timeoutMs: number): Promise<void> {
    if (this.state === 'stopped') return;
    const end = performance.now() + timeoutMs;
    await this.stopReceiving(timeoutMs);
    this.state = 'stopped';
    const rest = Math.max(1_000, end - performance.now());
    await Promise.all([within(rest, this.upkeep.stop()), this.outbox.stop(rest)]);
    await this.tracing.stop(HOPS_WITHIN_MS);
  }

  /** The first half of `stop`: messages can still be sent. Safe to call twice. */
  async stopReceiving(timeoutMs: number): Promise<void> {
    await Promise.all([this.announcements.stop(), this.receiving.stop(timeoutMs)]);
  }

  private throwIfNotNew(): void {
    if (this.state !== 'new') throw new BusStoppedError();
  }

  private throwIfNotRunning(): void {
    if (this.state !== 'running') throw new BusStoppedError();
  }

  private publishTransient(message: Message): Promise<void> {
    const published = this.broker.publish(publicationOf({ message }, message.timestamp));
    return isToMany(message.recipient) || this.tracing.records(message) ? this.watched(message, published) : published;
  }

  private async watched(message: Message, published: Promise<void>): Promise<void> {
    try {
      await published;
    } catch (error) {
      // One full queue, of an agent that is gone perhaps, does not make a broadcast fail that all others got.
      if (!(isToMany(message.recipient) && error instanceof QueueFullError)) {
        this.tracing.sent(message, error);
        throw error;
      }
      this.logger.warn(`${message.type}: not all got it: ${error.message}`);
    }
    this.tracing.sent(message);
  }

  private transactionOf(given: CallerTransaction | undefined, durable: boolean): Transaction | undefined {
    if (!durable) {
      if (given) throw new InvalidMessageError('transaction', 'is for durable messages only');
      return undefined;
    }
    return joinedTransaction(
      this.store.database,
      given,
      (problem, cause) => new InvalidMessageError('transaction', problem, cause),
    );
  }
}
