import type { Message } from 'agentmq/protocol';
import { MessageExpiredError } from '../errors.js';
import type { ReceivingDependencies } from './dependencies.js';
import { Attempt } from './handlers/attempt.js';
import type { HandlerGroup } from './handlers/handler-table.js';
import { payloadOf } from './steps/payload.js';
import type { Steps } from './steps/steps.js';

/** Handles what is not stored: once, without a claim. What fails is recorded as dead. */
export class TransientMessages {
  constructor(
    private readonly dependencies: ReceivingDependencies,
    private readonly steps: Steps,
  ) {}

  /** Resolves when the message may be acknowledged. Rejects when the agent stops before the handler has ended. */
  async handle(message: Message, group: HandlerGroup): Promise<void> {
    const { now, sealing, tracing } = this.dependencies;
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
    try {
      const answer = await runs.run(group, payload, new Attempt(message, consumer, 1));
      if (message.replyTo) await answerer.answer(message, answer, contract);
      if (begun) tracing.handled(message, { consumer, attempt: 1, begun, outcome: 'completed' });
      metrics.received('completed');
    } catch (error) {
      if (claims.stopped.aborted) throw error;
      const record = this.steps.warn(message, contract, error);
      const told = await answerer.fail(message, error, contract);
      const stored = await rejections.record(message, 'dead', record);
      if (told) await rejections.discard(stored);
      if (begun) tracing.handled(message, { consumer, attempt: 1, begun, outcome: 'failed', error: record });
      metrics.received('failed');
    }
  }
}
