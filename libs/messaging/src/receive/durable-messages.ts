import { isAway, StoreUnavailableError, type Transaction } from 'agentmq/database';
import { type Message, retryDelay, toWireError } from 'agentmq/protocol';
import type { LimitFunction } from 'p-limit';
import { ClaimLostError, HandlerTimeoutError, MessageExpiredError, PoisonMessageError } from '../errors.js';
import type { Outcome } from '../message-metrics.js';
import type { ReceivingDependencies } from './dependencies.js';
import type { HandlerGroup } from './handlers/handler-table.js';
import { during, endOf } from '../tracing/spans.js';
import { errorRecord, isRetryable } from './rejected/error-record.js';
import { tellEnded, tellFailed } from './rejected/tell.js';
import { type Asked, type HeldClaim, isOver, type Taken } from './steps/claims.js';
import { payloadOf } from './steps/payload.js';
import type { Steps } from './steps/steps.js';
import { inTransaction } from './steps/transaction.js';

/** Handles what is stored: claim, read, run, answer, record. */
export class DurableMessages {
  constructor(
    private readonly dependencies: ReceivingDependencies,
    private readonly steps: Steps,
    /** What is suspected of killing its process runs in here: one after the other in the whole process. */
    private readonly alone: LimitFunction,
  ) {}

  /**
   * Claims and handles, until it is known what became of the message: then it may be acknowledged. A message that another
   * process holds is asked for until that one's lease ends: it may be gone, or the claim may be this process's own, of which
   * the answer was lost.
   */
  async handle(message: Message, group: HandlerGroup, redelivered: boolean): Promise<void> {
    const { claims } = this.steps;
    const { attempts } = group.policy;
    let asked: Asked = { redelivered, attempts, alone: false };
    for (let tries = 0; ; tries++) {
      const taken = await claims.ask(message, asked);
      if (taken.outcome !== 'busy' && asked.redelivered) asked = { ...asked, redelivered: false };
      const ended =
        taken.outcome === 'suspect'
          ? await this.alone(async () =>
              this.deal(message, group, await claims.ask(message, { ...asked, alone: true })),
            )
          : await this.deal(message, group, taken);
      if (ended) return;
      await claims.rest(tries);
    }
  }

  /** Does what a claim's answer says. Resolves with false when the message has to be asked for again. */
  private async deal(message: Message, group: HandlerGroup, taken: Taken): Promise<boolean> {
    const { consumer, claims } = this.steps;
    const { tracing } = this.dependencies;
    const { spans } = tracing;
    if (taken.outcome === 'busy' || taken.outcome === 'suspect') return false;
    if (taken.outcome !== 'claimed') {
      group.metrics.received(await this.settled(message, group, taken));
      return true;
    }
    const held = claims.hold(message, taken);
    const begun = tracing.begin(message);
    const span = spans.processing(message, consumer, held.attempt.attempt);
    let outcome: Outcome | undefined;
    try {
      outcome = await during(span, message, () => this.attempt(message, group, held));
      if (outcome === undefined) {
        await claims.release(held);
        return false;
      }
      if (begun) tracing.handled(message, { consumer, attempt: taken.attempt, begun, outcome });
      group.metrics.received(outcome);
      return true;
    } finally {
      claims.drop(held);
      span?.end(endOf(outcome ?? 'released', held.attempt.failure));
    }
  }

  /** What a message was ended by, or waits for, without an attempt of this process. */
  private async settled(
    message: Message,
    { contract }: HandlerGroup,
    taken: Extract<Taken, { readonly outcome: 'waiting' | 'settled' }>,
  ): Promise<Outcome> {
    const { answerer, rejections } = this.steps;
    if (taken.outcome === 'waiting' || !taken.now) return 'duplicate';
    const { consumer } = this.steps;
    if (taken.state === 'expired') {
      tellEnded(message, consumer, 'expired', toWireError(new MessageExpiredError(message.expiresAt ?? new Date())));
      return 'expired';
    }
    if (taken.state === 'dead') {
      const error = new PoisonMessageError();
      tellEnded(message, consumer, 'dead', toWireError(error));
      if (await answerer.fail(message, error, contract)) await rejections.discard(message);
    }
    return 'failed';
  }

  /**
   * One attempt at a claimed message. Resolves with undefined when the handler was not begun, or lost its transaction with
   * the database: what became of the message, the next claim tells. Rejects when the agent stops.
   */
  private async attempt(message: Message, group: HandlerGroup, held: HeldClaim): Promise<Outcome | undefined> {
    const { store, sealing } = this.dependencies;
    const { claims, runs, answerer, report } = this.steps;
    const { attempt, ref } = held;
    const { transactional, contract } = group;
    let payload: object;
    try {
      // Under the claim: a payload whose rules kill the process, or block it, is found as one whose handler does.
      const read = payloadOf(message, group, sealing);
      payload = read instanceof Promise ? await read : read;
    } catch (error) {
      const outcome = await this.failed(message, group, held, error);
      return outcome === 'failed' ? 'rejected' : outcome;
    }
    const run = (transaction?: Transaction): Promise<unknown> => {
      if (isOver(held)) throw new MessageExpiredError(new Date());
      attempt.transaction = transaction;
      return runs.run(group, payload, attempt);
    };
    try {
      const answer = await (transactional ? inTransaction(store, ref, run) : run());
      if (message.replyTo) await answerer.answer(message, answer, contract);
    } catch (error) {
      const isStopped = claims.stopped.aborted;
      if (!attempt.begun && !isStopped) {
        // Of what expired while it waited for its turn, the store is to say so, by its own clock.
        if (!(error instanceof MessageExpiredError)) report('a transaction', error);
        return undefined;
      }
      const isCutOff = transactional && error instanceof StoreUnavailableError;
      if (isCutOff && !isStopped && (await isAway(store.database))) return undefined;
      return this.failed(message, group, held, error);
    }
    return transactional || (await claims.complete(held)) ? 'completed' : 'fenced';
  }

  private async failed(message: Message, group: HandlerGroup, held: HeldClaim, error: unknown): Promise<Outcome> {
    const { claims, answerer, rejections } = this.steps;
    const { contract, policy, transactional } = group;
    const { aborted, attempt: failures } = held.attempt;
    if (error instanceof ClaimLostError) return 'fenced';
    if (aborted && !(aborted instanceof HandlerTimeoutError)) {
      // A stop has given it back; else the process that has the claim now speaks for the message.
      if (claims.stopped.aborted) throw error;
      return 'fenced';
    }
    const record = (held.attempt.failure = errorRecord(error, { message, contract }));
    // The caller that waits for an answer decides about another attempt.
    const again = !message.replyTo && isRetryable(error) && failures < policy.attempts;
    // A commit whose answer was lost may have been made after all: then this attempt has not failed.
    const isSure = !(transactional && error instanceof StoreUnavailableError);
    let told = !again && isSure && (await answerer.fail(message, error, contract));
    const retryInMs = retryDelay(policy, failures);
    const stood = await claims.fail(
      again
        ? { ...held.ref, error: record, state: 'retrying', retryInMs }
        : { ...held.ref, error: record, state: 'dead' },
    );
    if (!stood) return 'fenced';
    if (again) tellFailed(message, `failed at attempt ${failures}, and is tried again in ${retryInMs} ms`, record);
    else tellEnded(message, this.steps.consumer, 'dead', record);
    if (!again && !isSure) told = await answerer.fail(message, error, contract);
    if (told) await rejections.discard(message);
    return again ? 'retrying' : 'failed';
  }
}
