import type { Transaction } from 'agentmq/database';
import type { ConsumerName } from 'agentmq/message-store';
import type { ContractDefinition, Message, RetryOptions } from 'agentmq/protocol';

/** What a handler is given beside the payload. */
export interface Handling {
  readonly message: Message;
  /** `role.worker` or `agent.worker-1`: for which consumer the message is handled. */
  readonly consumer: ConsumerName;
  /** The agent that handles it. */
  readonly agentId: string;
  /** 1 for the first; attempts that failed, or were cut off by the death of their process, have gone before. */
  readonly attempt: number;
  /** Aborts when the handler's time is over, when the claim is lost, or when the agent stops without waiting any longer. */
  readonly signal: AbortSignal;
  /** Of a transactional handler: what is written in it is committed together with the completion, or not at all. */
  readonly transaction?: Transaction;
}

/** A method that takes messages, and which messages. */
export interface Handler {
  readonly contract: ContractDefinition;
  /** Only messages published to a topic that this pattern matches; without it, only messages to the role, the agent or all. */
  readonly topic?: string;
  /** In place of the contract's. */
  readonly retry?: RetryOptions;
  /** How long the handler may run, in ms, in place of the settings'. */
  readonly timeout?: number;
  /** In place of the contract's. */
  readonly transactional?: boolean;
  /** Returning, or resolving, completes the message, with the answer to a request; throwing, or rejecting, fails it. */
  handle(payload: object, handling: Handling): unknown;
}
