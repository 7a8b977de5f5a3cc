import { setMaxListeners } from 'node:events';
import type { Transaction } from 'agentmq/database';
import type { ConsumerName, DeliveryError } from 'agentmq/message-store';
import type { Message } from 'agentmq/protocol';
import type { Handling } from './handler.js';

/** One attempt at a message: from its claim on, and while its handlers run. */
export class Attempt implements Handling {
  transaction: Transaction | undefined;
  /** Its handlers have been called. */
  begun = false;
  /** What it has failed with, as it is kept and told. */
  failure: DeliveryError | undefined;
  /** Called once, with the reason, when it is aborted. */
  onAbort: ((reason: Error) => void) | undefined;
  private reason: Error | undefined;
  private controller: AbortController | undefined;

  constructor(
    readonly message: Message,
    readonly consumer: ConsumerName,
    readonly attempt: number,
    readonly agentId: string,
  ) {}

  /** Why it was aborted; undefined while it was not. */
  get aborted(): Error | undefined {
    return this.reason;
  }

  /** Made when a handler first reads it: most handlers never do, and on Node 20 it costs as much as a whole handler. */
  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      // A handler may pass its signal to as many calls as it likes.
      setMaxListeners(0, this.controller.signal);
      if (this.reason) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  /** Aborts the handlers' signal. The first reason stays. */
  abort(reason: Error): void {
    if (this.reason) return;
    this.reason = reason;
    this.controller?.abort(reason);
    this.onAbort?.(reason);
  }
}
