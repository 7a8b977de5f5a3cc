import type { Message } from 'agentmq/protocol';
import { MessageExpiredError } from '../errors.js';
import type { ReceivingDependencies } from './dependencies.js';
import { Attempt } from './handlers/attempt.js';
import type { HandlerGroup } from './handlers/handler-table.js';
import { keyed } from './keyed.js';
import { payloadOf } from './steps/payload.js';
import { errorRecord } from './rejected/error-record.js';
import { tellEnded } from './rejected/tell.js';
import type { Steps } from './steps/steps.js';
import { during, endOf } from '../tracing/spans.js';

/** Handles what is not stored: once, without a claim. What fails is recorded as dead. */
export class TransientMessages {
  constructor(
    private readonly dependencies: ReceivingDependencies,
    private readonly steps: Steps,
  ) {}

  /** Resolves when the message may be acknowledged. Rejects when the agent stops before the handler has ended. */
  async handle(message: Message, group: HandlerGroup): Promise<void> {
    const { now, sealing, tracing, options } = this.dependencies;
    const { consumer, claims, runs, answerer, rejections } = this.steps;
    const { contract, metrics } = group;
    if (message.expiresAt && message.expiresAt <= now())
      return rejections.reject(message, new MessageExpiredError(message.expiresAt), contract);
    let payload: object;
    try {
      const read = payloadOf(message, group, sealing);
      payload = read instanceof Promise ? await read : read;
    } catch (error) {
      return rejections.reject(message, error, contract);
    }
    const begun = tracing.begin(message);
    const span = tracing.spans.processing(message, consumer, 1);
    try {
      await during(span, message, async () => {
        const answer = await runs.run(group, payload, new Attempt(message, consumer, 1, options.agentId));
        if (message.replyTo) await answerer.answer(message, answer, contract);
      });
      span?.end(endOf('completed'));
      if (begun) tracing.handled(message, { consumer, attempt: 1, begun, outcome: 'completed' });
      metrics.received('completed');
    } catch (error) {
      if (claims.stopped.aborted) {
        span?.end(endOf('released'));
        throw error;
      }
      const record = errorRecord(error, { message, contract });
      tellEnded(message, consumer, 'dead', record);
      span?.end(endOf('failed', record));
      const told = await answerer.fail(message, error, contract);
      const stored = await rejections.record(keyed(message, contract), 'dead', record);
      if (told) await rejections.discard(stored);
      if (begun) tracing.handled(message, { consumer, attempt: 1, begun, outcome: 'failed', error: record });
      metrics.received('failed');
    }
  }
}
