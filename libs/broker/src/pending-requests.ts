import { InvalidMessageError, type Recipient, type WireMessage } from 'agentmq/protocol';
import type { RequestOptions } from './broker.js';
import { RequestInterruptedError, RequestTimeoutError } from './errors.js';

/** How a request is sent; `send` may be called once, `withdraw` any number of times. */
export interface RequestSender {
  /** Sends the request; `fail` is called at most once, when it could not be sent. */
  send(fail: (error: Error) => void): void;
  /** Whether it was sent, so that the loss of the connection loses the answer. */
  isSent(): boolean;
  /** Nobody waits for the answer any more: what has not been sent need not be. */
  withdraw(): void;
}

interface Pending {
  readonly recipient: Recipient;
  readonly sender: RequestSender;
  fail(error: unknown): void;
  succeed(reply: WireMessage): void;
}

/** Requests that wait for their answer, by correlation id. */
export class PendingRequests {
  private readonly byCorrelation = new Map<string, Pending>();

  get size(): number {
    return this.byCorrelation.size;
  }

  /** Sends a request and resolves with its answer; rejects as `Broker.request` does. */
  ask(
    recipient: Recipient,
    correlationId: string,
    { timeoutMs, signal }: RequestOptions,
    sender: RequestSender,
  ): Promise<WireMessage> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      if (this.byCorrelation.has(correlationId)) {
        return reject(
          new InvalidMessageError('correlationId', 'another request waits for an answer with the same one'),
        );
      }
      const settle = (): boolean => {
        if (this.byCorrelation.get(correlationId) !== pending) return false;
        this.byCorrelation.delete(correlationId);
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        sender.withdraw();
        return true;
      };
      const fail = (error: unknown): void => void (settle() && reject(error));
      const succeed = (reply: WireMessage): void => void (settle() && resolve(reply));
      const pending: Pending = { recipient, sender, fail, succeed };
      const timer = setTimeout(() => fail(new RequestTimeoutError(recipient, timeoutMs)), timeoutMs);
      const onAbort = (): void => fail(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.byCorrelation.set(correlationId, pending);
      sender.send(fail);
    });
  }

  /** Resolves the request that this answers; an answer that nobody waits for is dropped. */
  answer(reply: WireMessage): void {
    const { correlationId } = reply.properties;
    if (correlationId !== undefined) this.byCorrelation.get(correlationId)?.succeed(reply);
  }

  /** The address that answers would have come to is lost: whatever was sent is rejected with `RequestInterruptedError`. */
  interrupt(): void {
    for (const { sender, recipient, fail } of [...this.byCorrelation.values()]) {
      if (sender.isSent()) fail(new RequestInterruptedError(recipient));
    }
  }

  rejectAll(error: () => Error): void {
    for (const { fail } of [...this.byCorrelation.values()]) fail(error());
  }
}
