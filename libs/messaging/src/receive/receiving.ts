import { whileStoreIsAway } from 'agentmq/database';
import type { ConsumerName, SubscribedTopics } from 'agentmq/message-store';
import { formatRecipient } from 'agentmq/protocol';
import { within } from 'agentmq/time';
import pLimit from 'p-limit';
import type { Subscription } from '../bus-options.js';
import { BusStoppedError } from '../errors.js';
import { Reconciler } from '../replay/reconciler.js';
import { Replayer } from '../replay/replayer.js';
import type { ReceivingDependencies } from './dependencies.js';
import { HandlerRunner, type HandlerRunnerOptions } from './handler-runner.js';
import { Receiver } from './receiver.js';
import { DeadLetteredInbox } from './rejected/dead-lettered.js';

/** All that one agent receives: its receivers, what keeps their inboxes complete, and what the broker gave up. */
export class Receiving {
  private readonly stopping = new AbortController();
  private readonly replayer: Replayer;
  private readonly alone = pLimit(1);
  private readonly receivers: Receiver[] = [];
  private readonly runners: HandlerRunner[] = [];
  /** The patterns that this process declares. */
  private readonly declared = new Map<Receiver, readonly string[]>();
  private readonly reconcilers: Reconciler[] = [];
  private deadLettered: DeadLetteredInbox | undefined;
  /** The consumers whose inboxes are not read. */
  private paused: ReadonlySet<ConsumerName> = new Set();

  constructor(private readonly dependencies: ReceivingDependencies) {
    const { store, options } = dependencies;
    this.replayer = new Replayer(store, options);
  }

  /** Messages being handled now. */
  get inFlight(): number {
    return [...this.receivers, ...this.runners].reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  /** For how long, in ms, all places of one receiver, or one runner, have been taken without one being freed; undefined while each has a free one. */
  get stalledMs(): number | undefined {
    const places = [...this.receivers, ...this.runners.map((runner) => runner.places)];
    const stalled = places.flatMap(({ stalledMs }) => stalledMs ?? []);
    return stalled.length > 0 ? Math.max(...stalled) : undefined;
  }

  /** For which consumers this agent receives, or did before it was told to stop. */
  get consumers(): ConsumerName[] {
    return [...this.declared.keys()].map(({ consumer }) => consumer);
  }

  /** Nothing of what was taken from the inboxes, or is run for the agent otherwise, is left. */
  get isIdle(): boolean {
    return this.receivers.every(({ isIdle }) => isIdle) && this.runners.every(({ places }) => places.isEmpty);
  }

  /** From now on the inboxes of these consumers are not read, and all others are. */
  pause(consumers: readonly ConsumerName[]): void {
    this.paused = new Set(consumers);
    for (const receiver of this.receivers) receiver.pause(this.paused.has(receiver.consumer));
  }

  /** What it runs counts among {@link inFlight}; it is stopped by its user. */
  runner(options: HandlerRunnerOptions): HandlerRunner {
    const runner = new HandlerRunner(this.dependencies, options);
    this.runners.push(runner);
    return runner;
  }

  /** Resolves when messages flow; waits for a store that is away. */
  async subscribe(subscription: Subscription): Promise<void> {
    const { broker, store, metrics, wakeRelay, options } = this.dependencies;
    const { owner, handlers } = subscription;
    const declared = [...new Set(handlers.flatMap(({ topic }) => topic ?? []))];
    // Before the broker's queue is bound: of what flows into it the store is to know that it is owed.
    const bindings = await whileStoreIsAway(this.stopping.signal, () =>
      store.subscriptions.subscribe(formatRecipient(owner), declared, owner.kind === 'agent'),
    );
    await this.receiveDeadLettered();
    if (this.stopping.signal.aborted) throw new BusStoppedError();
    const reconciler = new Reconciler(broker, store.agents, this.replayer, {
      owner,
      intervalMs: options.replayIntervalMs,
      prefetch: subscription.prefetch,
      onReplayed: (count) => {
        metrics.replayed(count);
        wakeRelay();
      },
    });
    const receiver = new Receiver(this.dependencies, { owner, ...bindings }, subscription, {
      alone: this.alone,
      onCreated: reconciler.inboxCreated,
      receiverOf: (consumer) => this.receivers.find((each) => each.consumer === consumer),
    });
    receiver.pause(this.paused.has(receiver.consumer));
    this.receivers.push(receiver);
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
    for (const receiver of this.receivers) {
      const { consumer } = receiver;
      const declared = this.declared.get(receiver) ?? [];
      const { topics, dropped, undeclared } = await this.dependencies.store.subscriptions.topics(consumer);
      const ended = dropped.filter((pattern) => !undeclared.includes(pattern));
      const isThere = (pattern: string): boolean => topics.includes(pattern) || ended.includes(pattern);
      const gone = declared.filter((pattern) => !isThere(pattern));
      await receiver.bind(gone.length === 0 ? { topics, dropped } : await this.declareAgain(consumer, declared, ended));
    }
  }

  /** Has the store owe it again what this agent declares, broadcasts included. Rejects as the store does. */
  async subscribeAgain(): Promise<void> {
    for (const receiver of this.receivers)
      await this.declareAgain(receiver.consumer, this.declared.get(receiver) ?? [], []);
  }

  /** Lets handlers end, and gives back what has not ended after `timeoutMs`. Safe to call twice. */
  async stop(timeoutMs: number): Promise<void> {
    this.stopping.abort();
    await Promise.all([
      ...this.receivers.splice(0).map((receiver) => receiver.stop(timeoutMs)),
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
    return this.dependencies.store.subscriptions.subscribe(consumer, patterns, consumer.startsWith('agent.'));
  }

  private async receiveDeadLettered(): Promise<void> {
    if (this.deadLettered) return;
    this.deadLettered = new DeadLetteredInbox(this.dependencies);
    await this.deadLettered.start();
  }
}
