import { Logger } from '@nestjs/common';
import type { Broker, Inbox as BrokerInbox, InboxConsumer, Incoming, Topics } from 'agentmq/broker';
import {
  type ContractDefinition,
  formatRecipient,
  fromWire,
  HEADER,
  type Message,
  type ReadMessage,
  retryDelay,
  toWireError,
  UnknownTypeError,
} from 'agentmq/protocol';
import type { Transaction } from 'agentmq/database';
import { type ConsumerName, type DeliveryError, type MessageStore } from 'agentmq/message-store';
import { RefusedDataError, StoreUnavailableError } from 'agentmq/database';
import { RepeatedLog } from 'agentmq/telemetry';
import type { LimitFunction } from 'p-limit';
import { Answerer } from './answerer.js';
import { Claims, type HeldClaim, RELEASE_MS, type Taken } from './claims.js';
import { ClaimLostError, HandlerTimeoutError, MessageExpiredError, PoisonMessageError } from '../errors.js';
import { describe, errorRecord, isRetryable } from './failing.js';
import { type Route, runHandlers } from './handler-run.js';
import type { MessageMetrics, Outcome } from '../message-metrics.js';
import { within } from 'agentmq/time';
import { Places } from './places.js';
import { Rejections } from './rejections.js';
import type { MessageSealing } from '../sealing/message-sealing.js';
import { isSealed } from '../sealing/sealer.js';
import type { HandledHop, Tracing } from '../tracing/tracing.js';
import { Unhandled } from './unhandled.js';
import { isMeant, payloadOf, type Work, type WorkDefaults, workOf } from './work.js';

export interface InboxOptions extends WorkDefaults {
  /** Agent id, as the claimant. */
  readonly agentId: string;
  /** How long a claim lasts unless it is renewed, in ms. */
  readonly leaseMs: number;
  /** The most messages handled at once. */
  readonly concurrency: number;
  /** The most messages fetched ahead, those being handled included. */
  readonly prefetch: number;
  /** The time by which messages expire. */
  readonly now: () => Date;
  readonly tracing: Tracing;
  /** What is suspected of killing its process runs in here: one after the other in the whole process. */
  readonly alone: LimitFunction;
  /** How long an agent that counts as live may have been silent, in ms. */
  readonly liveMs: number;
  /** How long a message waits for an instance that handles it, in ms. */
  readonly handlerGraceMs: number;
  readonly sealing: MessageSealing;
  /** Called when the broker did not have this inbox, and what was in it is lost. */
  readonly onCreated: () => void;
  /** This agent's inbox of another consumer. */
  readonly inboxOf: (consumer: ConsumerName) => Inbox | undefined;
}

/**
 * The receiving half: claimed in the store, handled, completed, then acknowledged. A message that can't be read ends in the
 * store with the reason; one that this instance has no handler for goes to an instance that has one, or waits for it; one
 * whose handler failed is due again later. While the store is away nothing is claimed and nothing is lost: what was fetched
 * waits, and the broker keeps the rest.
 */
export class Inbox {
  readonly consumer: ConsumerName;
  private readonly logger = new Logger('Inbox');
  private readonly log = new RepeatedLog(this.logger);
  private readonly claims: Claims;
  private readonly rejections: Rejections;
  private readonly answerer: Answerer;
  private readonly unhandled: Unhandled;
  private readonly places: Places;
  /** Messages of this consumer that another instance passed on, and that came by another inbox of this agent. */
  private readonly passedOn = new Set<Promise<void>>();
  private handling = 0;
  private subscription: InboxConsumer | undefined;
  private bound: string;

  constructor(
    private readonly broker: Broker,
    private readonly store: MessageStore,
    private readonly metrics: MessageMetrics,
    private readonly inbox: BrokerInbox,
    private readonly routes: readonly Route[],
    private readonly options: InboxOptions,
  ) {
    const { agentId, leaseMs, liveMs, handlerGraceMs: graceMs } = options;
    const report = (what: string, error: unknown): void => this.report(what, error);
    this.consumer = formatRecipient(inbox.owner);
    this.bound = keyOf(inbox);
    this.claims = new Claims(store, { agentId, leaseMs, consumer: this.consumer }, report);
    const { now, sealing, tracing } = options;
    this.answerer = new Answerer(broker, agentId, now, sealing, tracing, report);
    this.unhandled = new Unhandled(broker, store, this.claims, this.consumer, { agentId, liveMs, graceMs });
    this.rejections = new Rejections(store, this.claims, this.consumer);
    this.places = new Places(options.concurrency);
  }

  /** Messages being handled now. */
  get inFlight(): number {
    return this.handling;
  }

  /** For how long, in ms, all places have been taken without one being freed; undefined while one is free. */
  get stalledMs(): number | undefined {
    return this.places.stalledMs;
  }

  /** Resolves when messages flow. */
  async start(): Promise<void> {
    const { prefetch, concurrency, onCreated } = this.options;
    this.claims.start();
    this.subscription = await this.broker.consume(this.inbox, { prefetch, concurrency, onCreated }, (incoming) =>
      this.places
        .hold(() => this.receive(incoming))
        .catch((error: unknown) => {
          // the broker keeps the message, and brings it again after a while
          if (!this.claims.stopped.aborted) this.report('receiving', error);
          throw error;
        }),
    );
  }

  /** The consumer's subscriptions as they are now: of other instances, and without what ended. Rejects as `rebind` does. */
  async bind(topics: Topics): Promise<void> {
    const key = keyOf(topics);
    if (key === this.bound || !this.subscription) return;
    await this.subscription.rebind(topics);
    this.bound = key;
  }

  /** Stops fetching, lets running handlers end for at most `timeoutMs`, and gives back what has not ended by then. */
  async stop(timeoutMs: number): Promise<void> {
    // What has not ended is released before the broker hands it to others, who would count the claim as cut off.
    const closed = this.subscription?.close(timeoutMs + RELEASE_MS);
    await within(timeoutMs, Promise.allSettled([closed, ...this.passedOn]));
    await this.claims.stop();
    await closed;
  }

  /** Resolves when the message may be acknowledged: what became of it is known to the store, or need not be. */
  private async receive(incoming: Incoming): Promise<void> {
    const consumer = incoming.properties.headers[HEADER.consumer];
    if (typeof consumer === 'string' && consumer !== this.consumer) {
      const other = this.options.inboxOf(consumer);
      if (other) return other.receivePassedOn(incoming);
      if (await this.giveBack(incoming, consumer)) return;
    }
    const read = fromWire(incoming.recipient, incoming, { sample: this.options.tracing.sample });
    try {
      await this.process(incoming, read, consumer === this.consumer);
    } catch (error) {
      if (!(error instanceof RefusedDataError)) throw error;
      await this.reject(read.message, error);
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
    const [known] = await this.claims.patiently(() => this.store.takeBack([{ messageId, consumer }]));
    if (known !== 'delivery') return false;
    this.count(undefined, 'ignored');
    return true;
  }

  private async process(incoming: Incoming, read: ReadMessage, forwarded: boolean): Promise<void> {
    const [problem] = read.problems;
    const message = read.message.transient ? read.message : await this.rejections.admit(read.message);
    if (problem) return this.reject(message, problem);
    const work = workOf(message, this.routes, this.options);
    if (!work) return this.withoutHandler(incoming, message, forwarded);
    return message.transient ? this.handleTransient(work) : this.handleDurable(work, incoming.redelivered);
  }

  private async withoutHandler(incoming: Incoming, message: Message, forwarded: boolean): Promise<void> {
    const { type, version, recipient, transient } = message;
    const error = new UnknownTypeError(type, version, this.consumer);
    if (recipient.kind === 'broadcast') {
      if (!transient) await this.unhandled.disown(message);
      return void this.count(undefined, 'ignored');
    }
    const outcome = await this.unhandled.take({ incoming, message, forwarded, error });
    if (outcome) return void this.count(undefined, outcome);
    return isMeant(message, this.routes) ? this.reject(message, error) : void this.count(undefined, 'ignored');
  }

  /** Claims and handles, as often as it takes to know what became of the message. */
  private async handleDurable(work: Work, redelivered: boolean): Promise<void> {
    const { message, policy } = work;
    for (let tries = 0; ; tries++) {
      const asked = { redelivered: redelivered && tries === 0, attempts: policy.attempts, alone: false };
      const taken = await this.claims.take(message, asked);
      const ended =
        taken.outcome === 'suspect'
          ? await this.options.alone(() => this.handleAlone(work))
          : await this.deal(work, taken);
      if (ended) return;
      await this.claims.rest(tries);
    }
  }

  /** Resolves with false when the message has to be asked for again: others have their turn meanwhile. */
  private async handleAlone(work: Work): Promise<boolean> {
    const asked = { redelivered: false, attempts: work.policy.attempts, alone: true };
    const taken = await this.claims.ask(work.message, asked);
    return taken.outcome !== 'busy' && taken.outcome !== 'suspect' && this.deal(work, taken);
  }

  /** Does what a claim's answer says. Resolves with false when it is not known what became of the message. */
  private async deal(work: Work, taken: Exclude<Taken, { readonly outcome: 'suspect' }>): Promise<boolean> {
    const { message, contract } = work;
    if (taken.outcome === 'waiting') return this.count(contract, 'duplicate');
    if (taken.outcome === 'settled') {
      if (!taken.now) return this.count(contract, 'duplicate');
      const poisonous =
        taken.state === 'dead' && (await this.answerer.fail(message, new PoisonMessageError(), contract));
      if (poisonous) await this.rejections.discard(message);
      return this.count(contract, taken.state === 'expired' ? 'expired' : 'failed');
    }
    const held = this.claims.hold(message.messageId, taken);
    const begun = this.options.tracing.begin(message);
    try {
      const outcome = await this.attempt(work, held, taken.failures);
      if (outcome !== undefined) {
        this.trace(message, { attempt: taken.attempt, begun, outcome });
        return this.count(contract, outcome);
      }
      await this.claims.release(held);
      return false;
    } finally {
      this.claims.drop(held);
    }
  }

  /**
   * One attempt at a claimed message. Resolves with undefined when the handler was not begun, or lost its transaction with
   * the database: what became of the message, the next claim tells. Rejects when the agent stops.
   */
  private async attempt(work: Work, held: HeldClaim, failures: number): Promise<Outcome | undefined> {
    let payload: object;
    try {
      // Under the claim: a payload whose rules kill the process, or block it, is found as one whose handler does.
      payload = isSealed(work.message) ? await this.open(work) : this.read(work);
    } catch (error) {
      const outcome = await this.failed(work, held, failures, error);
      return outcome === 'failed' ? 'rejected' : outcome;
    }
    const progress = { begun: false };
    try {
      const begin = (transaction?: Transaction): Promise<unknown> => {
        if (Claims.isOver(held)) throw new MessageExpiredError(new Date());
        progress.begun = true;
        return this.run(work, payload, held.abort, failures + 1, transaction);
      };
      const answer = work.transactional ? await this.inTransaction(held, begin) : await begin();
      await this.answerer.answer(work.message, answer, work.contract);
    } catch (error) {
      if (!progress.begun && !this.claims.stopped.aborted) {
        // Of what expired while it waited for its turn, the store is to say so, by its own clock.
        if (!(error instanceof MessageExpiredError)) this.report('a transaction', error);
        return undefined;
      }
      const isCutOff = work.transactional && error instanceof StoreUnavailableError;
      if (isCutOff && !this.claims.stopped.aborted && (await this.isStoreAway())) return undefined;
      return this.failed(work, held, failures, error);
    }
    return work.transactional || (await this.claims.complete(held)) ? 'completed' : 'fenced';
  }

  /** The handler's writes, what it sends, and the completion are committed together or not at all. */
  private async inTransaction(
    held: HeldClaim,
    begin: (transaction: Transaction) => Promise<unknown>,
  ): Promise<unknown> {
    return this.store.transaction(async (transaction) => {
      const result = await begin(transaction);
      const [stood] = await this.store.complete([held.ref], transaction);
      if (!stood) throw new ClaimLostError();
      return result;
    });
  }

  /** A transaction that was cut off is the handler's failure, unless the database answers no other connection either. */
  private isStoreAway(): Promise<boolean> {
    return this.store.ping().then(
      () => false,
      (error: unknown) => error instanceof StoreUnavailableError,
    );
  }

  private async failed(work: Work, held: HeldClaim, failures: number, error: unknown): Promise<Outcome> {
    const { message, contract, policy } = work;
    const { signal } = held.abort;
    if (error instanceof ClaimLostError) return 'fenced';
    if (signal.aborted && !(signal.reason instanceof HandlerTimeoutError)) {
      // A stop has given it back; otherwise whoever has the claim now speaks for the message.
      if (this.claims.stopped.aborted) throw error;
      return 'fenced';
    }
    const record = this.warn(work, error);
    // The caller that waits for an answer decides about another attempt.
    const again = !message.replyTo && isRetryable(error) && failures + 1 < policy.attempts;
    // A commit whose answer was lost may have been made after all: then this attempt has not failed.
    const isSure = !(work.transactional && error instanceof StoreUnavailableError);
    let told = !again && isSure && (await this.answerer.fail(message, error, contract));
    const stood = await this.claims.fail(
      again
        ? { ...held.ref, error: record, state: 'retrying', retryInMs: retryDelay(policy, failures + 1) }
        : { ...held.ref, error: record, state: 'dead' },
    );
    if (!stood) return 'fenced';
    if (!again && !isSure) told = await this.answerer.fail(message, error, contract);
    if (told) await this.rejections.discard(message);
    return again ? 'retrying' : 'failed';
  }

  private async handleTransient(work: Work): Promise<void> {
    const { message, contract } = work;
    if (message.expiresAt && message.expiresAt <= this.options.now()) {
      return this.reject(message, new MessageExpiredError(message.expiresAt), contract);
    }
    let payload: object;
    try {
      payload = isSealed(message) ? await this.open(work) : this.read(work);
    } catch (error) {
      return this.reject(message, error, contract);
    }
    const begun = this.options.tracing.begin(message);
    const abort = new AbortController();
    const stop = (): void => abort.abort(this.claims.stopped.reason);
    this.claims.stopped.addEventListener('abort', stop, { once: true });
    try {
      await this.answerer.answer(message, await this.run(work, payload, abort, 1), contract);
      this.trace(message, { attempt: 1, begun, outcome: 'completed' });
      this.count(contract, 'completed');
    } catch (error) {
      if (this.claims.stopped.aborted) throw error;
      const record = this.warn(work, error);
      const told = await this.answerer.fail(message, error, contract);
      const stored = await this.rejections.record(message, 'dead', record);
      if (told) await this.rejections.discard(stored);
      this.trace(message, { attempt: 1, begun, outcome: 'failed', error: record });
      this.count(contract, 'failed');
    } finally {
      this.claims.stopped.removeEventListener('abort', stop);
    }
  }

  /** Rejects as `MessageSealing.open` does, and as `payloadOf` throws. */
  private async open(work: Work): Promise<object> {
    const carriesOutTasks = work.routes.every((route) => route.carriesOutTasks);
    return payloadOf(work, await this.options.sealing.open(work.message, carriesOutTasks));
  }

  /** Throws `NotSealedError`, and as `payloadOf` does. */
  private read(work: Work): object {
    this.options.sealing.refuseClear(work.contract);
    return payloadOf(work, work.message.body);
  }

  private async run(
    { message, routes, contract, timeoutMs }: Work,
    payload: object,
    abort: AbortController,
    attempt: number,
    transaction?: Transaction,
  ): Promise<unknown> {
    const ended = this.metrics.handling(contract.type);
    this.handling++;
    try {
      const handling = { message, consumer: this.consumer, attempt, ...(transaction ? { transaction } : {}) };
      return await runHandlers(routes, payload, handling, abort, timeoutMs);
    } finally {
      this.handling--;
      ended();
    }
  }

  /** Ends a message that never reaches a handler. */
  private async reject(message: Message, error: unknown, contract?: ContractDefinition): Promise<void> {
    const expired = error instanceof MessageExpiredError;
    const record = errorRecord(error, { message, contract });
    const stored = await this.rejections.record(message, expired ? 'expired' : 'dead', record);
    this.count(contract, expired ? 'expired' : 'rejected');
    if (!expired && (await this.answerer.fail(message, error, contract))) await this.rejections.discard(stored);
  }

  private warn({ message, contract }: Work, error: unknown): DeliveryError {
    const record = errorRecord(error, { message, contract });
    this.logger.warn(`${message.type} ${message.messageId}: ${describe(record)}`);
    return record;
  }

  private trace(message: Message, hop: Omit<HandledHop, 'consumer'>): void {
    this.options.tracing.handled(message, { consumer: this.consumer, ...hop });
  }

  private count(contract: ContractDefinition | undefined, outcome: Outcome): true {
    this.metrics.received(contract?.type ?? 'other', outcome);
    return true;
  }

  private report(what: string, error: unknown): void {
    const record = toWireError(error);
    this.log.warn(what, { code: record.code, message: describe(record) });
  }
}

const keyOf = ({ topics, dropped = [] }: Topics): string => JSON.stringify([[...topics].sort(), [...dropped].sort()]);
