import { Logger } from '@nestjs/common';
import type { Broker } from 'agentmq/broker';
import { formatRecipient, type Message } from 'agentmq/protocol';
import type { Transaction } from 'agentmq/database';
import { type MessageStore, type OutboxLease } from 'agentmq/message-store';
import { StoreClosedError, StoreUnavailableError } from 'agentmq/database';
import { RepeatedLog } from 'agentmq/telemetry';
import { Batcher } from '../batcher.js';
import { Bound } from './bound.js';
import { BusStoppedError, OutboxFullError } from '../errors.js';
import { ASKER_TOLD } from '../receive/failing.js';
import { type OutboxLoad, OutboxRoom } from './outbox-room.js';
import { backoff, pause, within } from 'agentmq/time';
import { Publisher } from './publisher.js';
import { Relay } from './relay.js';
import type { Tracing } from '../tracing/tracing.js';

export interface OutboxOptions {
  /** Names this process in its leases. */
  readonly owner: string;
  /** How long an entry is left to the process that stored it, in ms. */
  readonly leaseMs: number;
  /** How often the relay looks for due entries, in ms. */
  readonly pollMs: number;
  /** The most entries that the outbox may hold for a send to be taken. */
  readonly limit: number;
  /** The most entries, and bytes of bodies, that this process publishes at once; what is beyond goes by the relay. */
  readonly maxPublishing: number;
  readonly maxPublishingBytes: number;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

/**
 * The sending half of durable messages: committed first, published after, settled when confirmed.
 */
export class Outbox {
  private readonly log = new RepeatedLog(new Logger('Outbox'));
  private readonly stopping = new AbortController();
  private readonly room: OutboxRoom;
  private readonly publisher: Publisher;
  private readonly relay: Relay;
  /** What this process publishes at once after the commit, without the relay. */
  private readonly direct: Bound;
  private readonly publishing = new Set<Promise<void>>();

  private readonly appends: Batcher<Message, OutboxLease>;
  private readonly appendsForRelay: Batcher<Message, OutboxLease>;
  private readonly requests: Batcher<Message, OutboxLease>;

  constructor(
    broker: Broker,
    private readonly store: MessageStore,
    now: () => Date,
    tracing: Tracing,
    private readonly options: OutboxOptions,
  ) {
    const { owner, leaseMs, limit, maxPublishing, maxPublishingBytes } = options;
    const report = (what: string, error: unknown): void => this.report(what, error);
    this.room = new OutboxRoom(limit, maxPublishingBytes);
    this.direct = new Bound(maxPublishing, maxPublishingBytes);
    this.publisher = new Publisher(broker, store, this.room, now, tracing, report);
    this.relay = new Relay(
      broker,
      store,
      this.publisher,
      this.room,
      { ...options, maxBytes: maxPublishingBytes },
      report,
    );
    this.appends = new Batcher((messages) => store.append(messages, { owner, leaseMs }));
    this.appendsForRelay = new Batcher((messages) => store.append(messages, { owner }));
    this.requests = new Batcher((messages) => {
      const longest = Math.max(...messages.map(({ ttl }) => ttl ?? 0));
      return store.append(messages, { owner, leaseMs: longest + leaseMs });
    });
  }

  /** What waits, as this process knows it. */
  get load(): OutboxLoad {
    return this.room.load;
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
  send(message: Message, waitMs: number, transaction?: Transaction): Promise<void> {
    return transaction
      ? this.patiently(message, waitMs, () => this.joinTransaction(message, transaction), true)
      : this.patiently(message, waitMs, () => this.commit(message));
  }

  /** Resolves when the messages are stored in the transaction; they are published once that is committed. Rejects with `OutboxFullError`. */
  async forward(messages: readonly Message[], transaction: Transaction): Promise<void> {
    const { owner } = this.options;
    await this.room.add(() => this.store.append(messages, { owner, transaction }), messages.map(targetOfMessage));
    transaction.onCommit(() => this.wake());
  }

  /**
   * Resolves when a request is committed, with what settles it; waits and rejects as `send` does. The caller publishes
   * it, and the entry is the caller's for longer than the request lives: a copy from the relay could not be answered, so
   * there is never to be one.
   */
  commitRequest(message: Message, waitMs: number): Promise<OutboxLease> {
    return this.patiently(message, waitMs, () =>
      this.room.add(() => this.requests.add(message), [targetOfMessage(message)]),
    );
  }

  /** Closes the entry of a message that was published. An error leaves it to the relay, and receivers drop the copy. */
  settle(message: Message, lease: OutboxLease): Promise<void> {
    return this.publisher.settle({ ...lease, message });
  }

  /** Records a request whose asker is told of the error as dead, and closes its entry: it will not be published any more. */
  async buryRequest(message: Message, lease: OutboxLease, error: unknown): Promise<void> {
    await this.publisher.bury({ ...lease, message }, error);
    const { messageId, recipient } = message;
    await this.store.discard([{ messageId, consumer: formatRecipient(recipient) }], ASKER_TOLD);
  }

  /** Stops the relay, and waits for what is being published, at most `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.stopping.abort();
    await within(timeoutMs, Promise.all([this.relay.stop(), ...this.publishing]));
  }

  private async joinTransaction(message: Message, transaction: Transaction): Promise<void> {
    // Not committed yet, so not to be published from here: the relay sees the entry once the caller commits.
    const { owner } = this.options;
    await this.room.add(() => this.store.append([message], { owner, transaction }), [targetOfMessage(message)]);
    if (!message.deliverAt) transaction.onCommit(() => this.wake());
  }

  private async commit(message: Message): Promise<void> {
    const { length } = message.body;
    const target = targetOfMessage(message);
    const isFull = this.publisher.full.has(target);
    if (message.deliverAt || isFull || !this.direct.fits(length)) {
      await this.room.add(() => this.appendsForRelay.add(message), [target]);
      if (!message.deliverAt) this.relay.wake();
      return;
    }
    const leave = this.direct.enter(length);
    try {
      const lease = await this.room.add(() => this.appends.add(message), [target]);
      // One that was stored before, by an attempt whose answer was lost, may be the relay's by now.
      const published = lease.lease > 0 ? this.publisher.publish({ ...lease, message }) : Promise.resolve();
      this.track(published.finally(leave));
    } catch (error) {
      leave();
      throw error;
    }
  }

  private track(work: Promise<void>): void {
    this.publishing.add(work);
    void work.finally(() => this.publishing.delete(work));
  }

  /** The message keeps its id, so that repeating an attempt which may have been committed stores it once. */
  private async patiently<T>(
    message: Message,
    waitMs: number,
    work: () => Promise<T>,
    inTransaction = false,
  ): Promise<T> {
    const release = this.room.hold(message.body.length);
    const end = performance.now() + waitMs;
    try {
      for (let tries = 0; ; tries++) {
        try {
          return await work();
        } catch (error) {
          const left = end - performance.now();
          if (this.stopping.signal.aborted && isOfTheStore(error)) throw new BusStoppedError({ cause: error });
          // after an error of the database nothing more succeeds in a transaction
          const isFinal = !mayPass(error) || (inTransaction && !(error instanceof OutboxFullError));
          if (isFinal || left <= 0) throw error;
          await pause(Math.min(left, backoff(tries, FIRST_WAIT_MS, LONGEST_WAIT_MS)), this.stopping.signal);
        }
      }
    } finally {
      release();
    }
  }

  private report(what: string, error: unknown): void {
    if (!this.stopping.signal.aborted) this.log.warn(what, error);
  }
}

const mayPass = (error: unknown): boolean =>
  (error instanceof StoreUnavailableError && error.retryable) || error instanceof OutboxFullError;

/** What a send fails with because its agent stops: the store is closed by then, or was away all along. */
const isOfTheStore = (error: unknown): boolean => mayPass(error) || error instanceof StoreClosedError;

const targetOfMessage = ({ recipient }: Message): string => formatRecipient(recipient);
