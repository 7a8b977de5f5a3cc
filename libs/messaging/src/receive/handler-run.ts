import type { ContractDefinition, Message, RetryOptions } from 'agentmq/protocol';
import type { Transaction } from 'agentmq/database';
import type { ConsumerName } from 'agentmq/message-store';
import { HandlerTimeoutError } from '../errors.js';
import { causedBy } from '../flow.js';

/** What a handler is given beside the payload. */
export interface Handling {
  readonly message: Message;
  /** `role.worker` or `agent.worker-1`: for whom the message is handled. */
  readonly consumer: ConsumerName;
  /** 1 for the first; failed ones, and ones cut off by the death of their process, have gone before. */
  readonly attempt: number;
  /** Aborts when the handler's time is over, when the claim is lost, or when the agent stops without waiting any longer. */
  readonly signal: AbortSignal;
  /** Of a transactional handler: what is written in it is committed together with the completion, or not at all. */
  readonly transaction?: Transaction;
}

/** A handler, and the messages that it is for. */
export interface Route {
  readonly contract: ContractDefinition;
  /** Only messages published to a topic that this pattern matches; without it, only messages to the role, the agent or all. */
  readonly topic?: string;
  /** In place of the contract's. */
  readonly retry?: RetryOptions;
  /** How long the handler may run, in ms, in place of the settings'. */
  readonly timeoutMs?: number;
  /** In place of the contract's. */
  readonly transactional?: boolean;
  /** It carries out the tasks that messages bring, and sees that a payload was sealed for the task. */
  readonly carriesOutTasks?: boolean;
  /** Resolving completes the message, with the answer to a request; rejecting fails it. */
  handle(payload: object, handling: Handling): Promise<unknown>;
}

/**
 * Runs the handlers of a message one after the other, and resolves with the first one's answer. Rejects with what a
 * handler threw, or with `HandlerTimeoutError` when they have run for `timeoutMs`; what then still runs has seen its
 * signal abort, and is not waited for.
 */
export async function runHandlers(
  routes: readonly Route[],
  payload: object,
  handling: Omit<Handling, 'signal'>,
  abort: AbortController,
  timeoutMs: number,
): Promise<unknown> {
  let expire: ((error: Error) => void) | undefined;
  const timer = setTimeout(() => {
    const error = new HandlerTimeoutError(timeoutMs);
    abort.abort(error);
    expire?.(error);
  }, timeoutMs);
  const given: Handling = { ...handling, signal: abort.signal };
  const run = async (): Promise<unknown> => {
    const answers: unknown[] = [];
    for (const route of routes) {
      abort.signal.throwIfAborted();
      answers.push(await causedBy(given, () => route.handle(payload, given)));
    }
    return answers[0];
  };
  try {
    return await Promise.race([run(), new Promise<never>((_, reject) => (expire = reject))]);
  } finally {
    clearTimeout(timer);
  }
}
