import { Logger } from '@nestjs/common';
import type { Broker } from 'agentmq/broker';
import { formatRecipient, type Message } from 'agentmq/protocol';
import { StoreClosedError, StoreUnavailableError, type Transaction } from 'agentmq/database';
import type { AppendOptions, OutboxLease, Store } from 'agentmq/message-store';
import { RepeatedLog } from 'agentmq/telemetry';
import { backoff, pause, within } from 'agentmq/time';
import type { Activity } from '../activity.js';
import { Batcher, LIMITS } from '../batcher.js';
import type { MessageMetrics } from '../message-metrics.js';
import type { MessageBusOptions } from '../bus-options.js';
import { BusStoppedError, OutboxFullError } from '../errors.js';
import { ASKER_TOLD } from '../receive/rejected/error-record.js';
import type { Tracing } from '../tracing/tracing.js';
import { SendCapacity } from './capacity/send-capacity.js';
import { EntryPublisher } from './entry-publisher.js';
import { Relay } from './relay.js';
import { Settler } from './settler.js';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

/**
 * The sending half of durable messages: committed first, published after, settled when confirmed.
 */
export class Outbox {
  readonly capacity: SendCapacity;
  private readonly log = new RepeatedLog(new Logger('Outbox'));
  private readonly stopping = new AbortController();
  private readonly settler: Settler;
  private readonly publisher: EntryPublisher;
  private readonly relay: Relay;
  private readonly published: Batcher<Message, OutboxLease>;
  private readonly relayed: Batcher<Message, OutboxLease>;
  private readonly requests: Batcher<Message, OutboxLease>;

  constructor(
    broker: Broker,
    private readonly stores: Pick<Store, 'outbox' | 'deliveries' | 'replays'>,
    now: () => Date,
    tracing: Tracing,
    private readonly activity: Activity,
    metrics: Pick<MessageMetrics, 'batches'>,
    private readonly options: MessageBusOptions,
  ) {
    const report = (what: string, error: unknown): void => this.report(what, error);
    this.capacity = new SendCapacity(options);
    this.settler = new Settler(stores, this.capacity, activity, metrics.batches('settle'), report);
    this.publisher = new EntryPublisher(broker, this.settler, this.capacity, now, tracing, report);
    this.relay = new Relay(broker, stores.outbox, this.publisher, this.capacity, activity, options, report);
    const { leaseMs } = options;
    const counted = metrics.batches('append');
    this.published = new Batcher((messages) => this.appendAndPublish(messages), LIMITS, counted);
    this.relayed = new Batcher((messages) => this.append(messages), LIMITS, counted);
    this.requests = new Batcher((messages) => {
      const longest = Math.max(...messages.map(({ ttl }) => ttl ?? 0));
      return this.append(messages, { leaseMs: longest + leaseMs });
    });
  }

  /** Starts the relay. */
  start(): void {
    this.relay.start();
  }

  /** Entries are there that no process publishes yet: the relay looks at once. */
  wake(): void {
    this.relay.wake();
  }

  /**
   * Resolves when the message is committed (in a transaction: stored in it); it is published afterwards. For at most
   * `waitMs` it waits for a store that is away and for an outbox that is full, then it rejects with
   * `StoreUnavailableError` or `OutboxFullError`; when the agent stops meanwhile, with `BusStoppedError`.
   */
  async send(message: Message, waitMs: number, transaction?: Transaction): Promise<void> {
    await this.store(message, waitMs, transaction);
    transaction?.onCommit(() => (message.deliverAt ? this.activity.note() : this.wake()));
  }

  /**
   * Resolves when a request is committed, with what settles it; waits and rejects as `send` does. The caller publishes
   * it, and the entry is the caller's for longer than the request lives: a copy from the relay could not be answered, so
   * there is never to be one.
   */
  commitRequest(message: Message, waitMs: number): Promise<OutboxLease> {
    return this.store(message, waitMs, 'request');
  }

  /** Closes the entry of a message that was published. An error leaves it to the relay, and receivers drop the copy. */
  settle(message: Message, { id, lease }: OutboxLease): Promise<void> {
    return this.settler.settle({ id, lease, message });
  }

  /** Records a request whose asker is told of the error as dead, and closes its entry: it will not be published any more. */
  async buryRequest(message: Message, lease: OutboxLease, error: unknown): Promise<void> {
    await this.settler.bury({ ...lease, message }, error);
    const { messageId, recipient } = message;
    await this.stores.replays.discard([{ messageId, consumer: formatRecipient(recipient) }], ASKER_TOLD);
  }

  /** Stops the relay, and waits for what is being published, at most `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.stopping.abort();
    await within(timeoutMs, Promise.all([this.relay.stop(), this.capacity.direct.empty()]));
  }

  /** The message keeps its id, so that repeating an attempt which may have been committed stores it once. */
  private async store(message: Message, waitMs: number, into?: Transaction | 'request'): Promise<OutboxLease> {
    const { capacity } = this;
    const bytes = message.body.length;
    capacity.begin(message);
    const end = performance.now() + waitMs;
    try {
      for (let tries = 0; ; tries++) {
        let direct = false;
        try {
          capacity.add([message]);
          if (into === 'request') return await this.requests.add(message);
          // In a transaction it is not committed yet: the relay publishes it once that is.
          if (into) return await this.append([message], { transaction: into }).then(([lease]) => lease as OutboxLease);
          direct = !message.deliverAt && capacity.mayPublish(message);
          if (direct) {
            capacity.direct.enter(bytes);
            return await this.published.add(message);
          }
          const lease = await this.relayed.add(message);
          if (!message.deliverAt) this.wake();
          return lease;
        } catch (error) {
          if (direct) capacity.direct.leave(bytes);
          if (!(error instanceof OutboxFullError)) capacity.notAdded([message]);
          await this.restAfter(error, tries, end - performance.now(), typeof into === 'object');
        }
      }
    } finally {
      capacity.end(message);
    }
  }

  private async append(
    messages: readonly Message[],
    options: Omit<AppendOptions, 'owner'> = {},
  ): Promise<readonly OutboxLease[]> {
    // Without a lease it is left to the relay.
    if (options.leaseMs === undefined) this.activity.note();
    const leases = await this.stores.outbox.append(messages, { owner: this.options.agentId, ...options });
    this.capacity.added(messages);
    return leases;
  }

  private async appendAndPublish(messages: readonly Message[]): Promise<readonly OutboxLease[]> {
    const { direct } = this.capacity;
    const leases = await this.append(messages, { leaseMs: this.options.leaseMs });
    messages.forEach((message, index) => {
      const { id, lease } = leases[index] as OutboxLease;
      // One that was stored before, by an attempt whose answer was lost, may be the relay's by now.
      if (lease > 0) this.publisher.publish({ id, lease, message }, direct);
      else direct.leave(message.body.length);
    });
    return leases;
  }

  /** Rejects with the error unless it may pass in the time that is left. */
  private async restAfter(error: unknown, tries: number, leftMs: number, inTransaction: boolean): Promise<void> {
    const { signal } = this.stopping;
    if (signal.aborted && isOfTheStore(error)) throw new BusStoppedError({ cause: error });
    // After an error of the database nothing more succeeds in a transaction.
    const isFinal = !mayPass(error) || (inTransaction && !(error instanceof OutboxFullError));
    if (isFinal || leftMs <= 0) throw error;
    await pause(Math.min(leftMs, backoff(tries, FIRST_WAIT_MS, LONGEST_WAIT_MS)), signal);
  }

  private report(what: string, error: unknown): void {
    if (!this.stopping.signal.aborted) this.log.warn(what, error);
  }
}

const mayPass = (error: unknown): boolean =>
  (error instanceof StoreUnavailableError && error.retryable) || error instanceof OutboxFullError;

/** What a send fails with because its agent stops: the store is closed by then, or was away all along. */
const isOfTheStore = (error: unknown): boolean => mayPass(error) || error instanceof StoreClosedError;
