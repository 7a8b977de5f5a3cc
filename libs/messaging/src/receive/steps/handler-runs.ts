import { inFlow } from '../../flow.js';
import type { Attempt } from '../handlers/attempt.js';
import type { Handler } from '../handlers/handler.js';
import type { HandlerGroup } from '../handlers/handler-table.js';
import { TimeLimits } from './time-limits.js';

/** Runs the handlers of one consumer's messages, each within its time limit and in the flow of its message. */
export class HandlerRuns {
  private readonly limits = new TimeLimits();
  private running = 0;

  /** Messages being handled now. */
  get count(): number {
    return this.running;
  }

  /**
   * Runs the handlers of a message one after the other, and resolves with the first one's answer. Rejects with what a
   * handler threw, and with `HandlerTimeoutError`.
   */
  async run({ handlers, timeoutMs, metrics }: HandlerGroup, payload: object, attempt: Attempt): Promise<unknown> {
    const begunAt = performance.now();
    metrics.begun();
    this.running++;
    attempt.begun = true;
    try {
      const answer = inFlow({ handling: attempt }, call, handlers, payload, attempt);
      return isPromise(answer) ? await this.limits.within(timeoutMs, begunAt, attempt, answer) : answer;
    } finally {
      this.running--;
      metrics.ended(performance.now() - begunAt);
    }
  }

  /** Aborts the signal of all handlers that run. */
  abort(reason: Error): void {
    this.limits.abort(reason);
  }
}

function call(handlers: readonly Handler[], payload: object, attempt: Attempt): unknown {
  const [first] = handlers;
  if (attempt.aborted) throw attempt.aborted;
  return handlers.length === 1 ? first?.handle(payload, attempt) : callAll(handlers, payload, attempt);
}

async function callAll(handlers: readonly Handler[], payload: object, attempt: Attempt): Promise<unknown> {
  const answers: unknown[] = [];
  for (const handler of handlers) {
    if (attempt.aborted) throw attempt.aborted;
    answers.push(await handler.handle(payload, attempt));
  }
  return answers[0];
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
