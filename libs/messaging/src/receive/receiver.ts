import type { Inbox, InboxConsumer, Incoming, Topics } from 'agentmq/broker';
import { RefusedDataError } from 'agentmq/database';
import type { ConsumerName } from 'agentmq/message-store';
import { formatRecipient, fromWire, HEADER, type Message, UnknownTypeError } from 'agentmq/protocol';
import { within } from 'agentmq/time';
import type { LimitFunction } from 'p-limit';
import type { Subscription } from '../bus-options.js';
import type { Outcome } from '../message-metrics.js';
import type { ReceivingDependencies } from './dependencies.js';
import { DurableMessages } from './durable-messages.js';
import { HandlerTable } from './handlers/handler-table.js';
import { keyed } from './keyed.js';
import { Places } from './places.js';
import { mayBeForeign } from './rejected/foreign-messages.js';
import { RELEASE_MS } from './steps/claims.js';
import { Steps } from './steps/steps.js';
import { TransientMessages } from './transient-messages.js';
import { Unhandled } from './unhandled/unhandled.js';

/** What the receivers of one agent share. */
export interface ReceiverOptions {
  /** One at a time in the whole process. */
  readonly alone: LimitFunction;
  /** Called when the broker did not have the inbox, and what was in it is lost. */
  readonly onCreated: () => void;
  /** This agent's receiver of another consumer. */
  readonly receiverOf: (consumer: ConsumerName) => Receiver | undefined;
}

/**
 * Receives what comes to one consumer's inbox: decoded, given to its handlers, and acknowledged when the store knows its end.
 * A message that can't be read ends in the store with the reason; one that this instance has no handler for goes to an
 * instance that has one, or waits for it; one whose handler failed is due again later. While the store is away nothing is
 * claimed and nothing is lost: what was fetched waits, and the broker keeps the rest.
 */
export class Receiver {
  readonly consumer: ConsumerName;
  private readonly handlers: HandlerTable;
  private readonly steps: Steps;
  private readonly transient: TransientMessages;
  private readonly durable: DurableMessages;
  private readonly unhandled: Unhandled;
  private readonly places: Places;
  /** Messages of this consumer that another instance passed on, and that came by another inbox of this agent. */
  private readonly passedOn = new Set<Promise<void>>();
  private consuming: InboxConsumer | undefined;
  private topics: Topics;
  private isPaused = false;

  constructor(
    private readonly dependencies: ReceivingDependencies,
    private readonly inbox: Inbox,
    private readonly subscription: Subscription,
    private readonly options: ReceiverOptions,
  ) {
    this.consumer = formatRecipient(inbox.owner);
    this.topics = inbox;
    this.handlers = new HandlerTable(subscription.handlers, dependencies.options, dependencies.metrics);
    this.steps = new Steps(dependencies, this.consumer);
    this.transient = new TransientMessages(dependencies, this.steps);
    this.durable = new DurableMessages(dependencies, this.steps, options.alone);
    this.unhandled = new Unhandled(dependencies, this.steps.claims, this.consumer);
    this.places = new Places(subscription.concurrency);
  }

  /** Messages being handled now. */
  get inFlight(): number {
    return this.steps.runs.count;
  }

  /** For how long, in ms, all places have been taken without one being freed; undefined while one is free. */
  get stalledMs(): number | undefined {
    return this.places.stalledMs;
  }

  /** Resolves when messages flow. */
  async start(): Promise<void> {
    this.steps.claims.start();
    const { prefetch, concurrency } = this.subscription;
    const { onCreated } = this.options;
    // Also of one that is paused: its queue and its bindings are to be there.
    this.consuming = await this.dependencies.broker.consume(
      { ...this.inbox, ...this.topics },
      { prefetch, concurrency, onCreated, paused: this.isPaused },
      (incoming) => this.take(incoming),
    );
    // changed meanwhile
    this.pause(this.isPaused);
  }

  /** Takes nothing more from the inbox, or again. What is in its hands is finished. */
  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    if (isPaused) this.consuming?.pause();
    else this.consuming?.resume();
  }

  /** Nothing that it took is left. */
  get isIdle(): boolean {
    return this.places.isEmpty && this.passedOn.size === 0;
  }

  /** The consumer's subscriptions as they are now: of other instances, and without what ended. Rejects as `rebind` does. */
  async bind(topics: Topics): Promise<void> {
    if (keyOf(topics) === keyOf(this.topics)) return;
    await this.consuming?.rebind(topics);
    this.topics = topics;
  }

  /** Stops fetching, lets running handlers end for at most `timeoutMs`, and gives back what has not ended by then. */
  async stop(timeoutMs: number): Promise<void> {
    // What has not ended is released before the broker hands it to another consumer, which would count the claim as cut off.
    const closed = this.consuming?.close(timeoutMs + RELEASE_MS);
    await within(timeoutMs, Promise.allSettled([closed, ...this.passedOn]));
    await this.steps.stop();
    await closed;
  }

  private async take(incoming: Incoming): Promise<void> {
    this.places.take();
    try {
      await this.receive(incoming);
    } catch (error) {
      // The broker keeps the message, and brings it again after a while.
      if (!this.steps.claims.stopped.aborted) this.steps.report('receiving', error);
      throw error;
    } finally {
      this.places.free();
    }
  }

  /** Resolves when the message may be acknowledged: what became of it is known to the store, or need not be. */
  private async receive(incoming: Incoming): Promise<void> {
    const consumer = incoming.properties.headers[HEADER.consumer];
    if (typeof consumer === 'string' && consumer !== this.consumer) {
      const other = this.options.receiverOf(consumer);
      if (other) return other.receivePassedOn(incoming);
      if (await this.giveBack(incoming, consumer)) return;
    }
    const { sample } = this.dependencies.tracing;
    const { message, problems } = fromWire(incoming.recipient, incoming, { sample });
    const { rejections } = this.steps;
    try {
      const isForeign = !message.transient && mayBeForeign(message);
      const admitted = isForeign
        ? await rejections.admit(keyed(message, this.handlers.find(message)?.contract))
        : message;
      if (problems[0]) return await rejections.reject(admitted, problems[0]);
      await this.handle(incoming, admitted, consumer === this.consumer);
    } catch (error) {
      if (!(error instanceof RefusedDataError)) throw error;
      await rejections.reject(message, error);
    }
  }

  private receivePassedOn(incoming: Incoming): Promise<void> {
    const work = this.receive(incoming);
    this.passedOn.add(work);
    const ended = (): void => void this.passedOn.delete(work);
    work.then(ended, ended);
    return work;
  }

  /** What was passed on to this agent when it was of another role is still that role's. False when that is not owed it. */
  private async giveBack({ properties: { messageId } }: Incoming, consumer: string): Promise<boolean> {
    if (messageId === undefined) return false;
    const { store } = this.dependencies;
    const [known] = await this.steps.claims.patiently(() => store.deliveries.takeBack([{ messageId, consumer }]));
    if (known !== 'delivery') return false;
    this.ended('ignored');
    return true;
  }

  private handle(incoming: Incoming, message: Message, forwarded: boolean): Promise<void> {
    const group = this.handlers.find(message);
    if (!group) return this.withoutHandler(incoming, message, forwarded);
    return message.transient
      ? this.transient.handle(message, group)
      : this.durable.handle(message, group, incoming.redelivered);
  }

  private async withoutHandler(incoming: Incoming, message: Message, forwarded: boolean): Promise<void> {
    const { type, version, recipient, transient } = message;
    const error = new UnknownTypeError(type, version, this.consumer);
    if (recipient.kind === 'broadcast') {
      if (!transient) await this.unhandled.disown(message);
      return this.ended('ignored');
    }
    const outcome = await this.unhandled.take({ incoming, message, forwarded, error });
    if (outcome) return this.ended(outcome);
    return this.handlers.isMeantFor(message) ? this.steps.rejections.reject(message, error) : this.ended('ignored');
  }

  private ended(outcome: Outcome): void {
    this.dependencies.metrics.received('other', outcome);
  }
}

const keyOf = ({ topics, dropped = [] }: Topics): string => JSON.stringify([[...topics].sort(), [...dropped].sort()]);
