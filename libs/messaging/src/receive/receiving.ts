import type { Broker } from 'agentmq/broker';
import { formatRecipient } from 'agentmq/protocol';
import type { ConsumerName, MessageStore, SubscribedTopics } from 'agentmq/message-store';
import pLimit from 'p-limit';
import type { MessageBusOptions, Subscription } from '../bus-options.js';
import { DeadLetteredInbox } from './dead-lettered.js';
import { BusStoppedError } from '../errors.js';
import { Inbox } from './inbox.js';
import type { MessageMetrics } from '../message-metrics.js';
import { whileStoreIsAway } from 'agentmq/database';
import { within } from 'agentmq/time';
import { Reconciler } from '../replay/reconciler.js';
import { Replayer } from '../replay/replayer.js';
import type { MessageSealing } from '../sealing/message-sealing.js';
import type { Tracing } from '../tracing/tracing.js';

/** All that one agent receives: its inboxes, what keeps them complete, and what the broker gave up. */
export class Receiving {
  private readonly stopping = new AbortController();
  private readonly replayer: Replayer;
  private readonly alone = pLimit(1);
  private readonly inboxes: Inbox[] = [];
  /** The patterns that this process declares, by inbox. */
  private readonly declared = new Map<Inbox, readonly string[]>();
  private readonly reconcilers: Reconciler[] = [];
  private deadLettered: DeadLetteredInbox | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly store: MessageStore,
    private readonly metrics: MessageMetrics,
    private readonly options: MessageBusOptions,
    private readonly now: () => Date,
    private readonly sealing: MessageSealing,
    private readonly tracing: Tracing,
    /** Called when outbox entries were added by others than the outbox. */
    private readonly wakeRelay: () => void,
  ) {
    this.replayer = new Replayer(store, options);
  }

  /** Messages being handled now. */
  get inFlight(): number {
    return this.inboxes.reduce((sum, inbox) => sum + inbox.inFlight, 0);
  }

  /** For how long, in ms, all places of one inbox have been taken without one being freed; undefined while each has a free one. */
  get stalledMs(): number | undefined {
    const stalled = this.inboxes.flatMap(({ stalledMs }) => stalledMs ?? []);
    return stalled.length > 0 ? Math.max(...stalled) : undefined;
  }

  /** For which consumers this agent receives, or did before it was told to stop. */
  get consumers(): ConsumerName[] {
    return [...this.declared.keys()].map(({ consumer }) => consumer);
  }

  /** Resolves when messages flow; waits for a store that is away. */
  async subscribe({ inbox, routes, concurrency, prefetch }: Subscription): Promise<void> {
    const { owner, topics: declared } = inbox;
    // Before the broker's queue is bound: of what flows into it the store is to know that it is owed.
    const bindings = await whileStoreIsAway(this.stopping.signal, () =>
      this.store.subscribe(formatRecipient(owner), declared, owner.kind === 'agent'),
    );
    await this.receiveDeadLettered();
    if (this.stopping.signal.aborted) throw new BusStoppedError();
    const { agentId, leaseMs, retry, handlerTimeoutMs, replayIntervalMs, liveMs, handlerGraceMs } = this.options;
    const reconciler = new Reconciler(this.broker, this.store, this.replayer, {
      owner,
      intervalMs: replayIntervalMs,
      prefetch,
      onReplayed: (count) => {
        this.metrics.replayed(count);
        this.wakeRelay();
      },
    });
    const receiver = new Inbox(this.broker, this.store, this.metrics, { owner, ...bindings }, routes, {
      agentId,
      leaseMs,
      concurrency,
      prefetch,
      retry,
      handlerTimeoutMs,
      liveMs,
      handlerGraceMs,
      now: this.now,
      sealing: this.sealing,
      tracing: this.tracing,
      alone: this.alone,
      onCreated: reconciler.inboxCreated,
      inboxOf: (consumer) => this.inboxes.find((each) => each.consumer === consumer),
    });
    this.inboxes.push(receiver);
    this.declared.set(receiver, declared);
    this.reconcilers.push(reconciler);
    await receiver.start();
    reconciler.start();
  }

  /**
   * Binds the inboxes to what their consumers are subscribed to by now. What this process declares and is not on record, not
   * as ended either, was taken away by an instance of the version before; what ended for want of a live instance that declares
   * it, while this one was silent: both are declared again. Rejects as store and broker do.
   */
  async rebind(): Promise<void> {
    for (const inbox of this.inboxes) {
      const { consumer } = inbox;
      const declared = this.declared.get(inbox) ?? [];
      const { topics, dropped, undeclared } = await this.store.topics(consumer);
      const ended = dropped.filter((pattern) => !undeclared.includes(pattern));
      const isThere = (pattern: string): boolean => topics.includes(pattern) || ended.includes(pattern);
      const gone = declared.filter((pattern) => !isThere(pattern));
      await inbox.bind(gone.length === 0 ? { topics, dropped } : await this.declareAgain(consumer, declared, ended));
    }
  }

  /** Has the store owe it again what this agent declares, broadcasts included. Rejects as the store does. */
  async subscribeAgain(): Promise<void> {
    for (const inbox of this.inboxes) await this.declareAgain(inbox.consumer, this.declared.get(inbox) ?? [], []);
  }

  /** Lets handlers end, and gives back what has not ended after `timeoutMs`. Safe to call twice. */
  async stop(timeoutMs: number): Promise<void> {
    this.stopping.abort();
    await Promise.all([
      ...this.inboxes.splice(0).map((inbox) => inbox.stop(timeoutMs)),
      ...this.reconcilers.splice(0).map((reconciler) => within(timeoutMs, reconciler.stop())),
      this.deadLettered?.stop(timeoutMs),
    ]);
  }

  private declareAgain(
    consumer: ConsumerName,
    declared: readonly string[],
    dropped: readonly string[],
  ): Promise<SubscribedTopics> {
    const patterns = declared.filter((pattern) => !dropped.includes(pattern));
    return this.store.subscribe(consumer, patterns, consumer.startsWith('agent.'));
  }

  private async receiveDeadLettered(): Promise<void> {
    if (this.deadLettered) return;
    this.deadLettered = new DeadLetteredInbox(this.broker, this.store, this.metrics, this.now);
    await this.deadLettered.start();
  }
}
