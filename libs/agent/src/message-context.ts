import { BaseRpcContext } from '@nestjs/microservices';
import type { Transaction } from 'agentmq/database';
import type { Handling } from 'agentmq/messaging';
import { NoTransactionError } from './errors.js';

/** What a handler gets with `@Ctx()`: the message's envelope, for whom it is handled, and a signal to stop. */
export class MessageContext extends BaseRpcContext<[Handling]> {
  constructor(handling: Handling) {
    super([handling]);
  }

  /** The message's fields; the payload is the handler's first argument. */
  get message(): Handling['message'] {
    return this.args[0].message;
  }

  /** `role.worker` or `agent.worker-1`. */
  get consumer(): string {
    return this.args[0].consumer;
  }

  /** 1 for the first. Attempts that failed, or were cut off by the death of their process, have gone before. */
  get attempt(): number {
    return this.args[0].attempt;
  }

  /**
   * The transaction of a transactional handler: what is written in it is committed together with the message's
   * completion, or not at all. Throws {@link NoTransactionError} in any other handler, and for a message that is not
   * durable, since its completion is not recorded.
   */
  get transaction(): Transaction {
    const { transaction, message } = this.args[0];
    if (!transaction) throw new NoTransactionError(message.type, message.transient === true);
    return transaction;
  }

  /**
   * Aborts when the handler's time is over, when the claim on the message is lost, or when the agent stops without
   * waiting any longer.
   */
  get signal(): AbortSignal {
    return this.args[0].signal;
  }
}
