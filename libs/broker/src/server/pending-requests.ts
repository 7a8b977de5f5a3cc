import { randomUUID } from 'node:crypto';
import { InvalidMessageError, type Recipient, type WireMessage } from 'agentmq/protocol';
import type { Publication, WireRequestOptions } from '../broker.js';
import { RequestInterruptedError, RequestTimeoutError } from '../errors.js';

/** How a request is sent. */
export interface RequestSender<O> {
  /** Where answers come to. */
  readonly replyTo: string;
  /** Of the callbacks at most one is called, unless it is withdrawn. */
  send(request: WireMessage, published: () => void, fail: (error: Error) => void): O;
  /** The caller does not need the outcome any more; it is not sent if it has not been. */
  withdraw(outgoing: O): void;
}

interface Pending<O> {
  readonly recipient: Recipient;
  outgoing: O | undefined;
  fail(error: unknown): void;
  succeed(reply: WireMessage): void;
}

const NOTHING = (): void => undefined;

/** Requests that wait for their answer, by correlation id. */
export class PendingRequests<O extends { readonly sent: boolean }> {
  private readonly byCorrelation = new Map<string, Pending<O>>();

  /** Sends a request and resolves with its answer; rejects as `Broker.request` does. */
  ask(
    { recipient, body, properties }: Publication,
    { timeoutMs, signal, onPublished = NOTHING }: WireRequestOptions,
    sender: RequestSender<O>,
  ): Promise<WireMessage> {
    const correlationId = properties.correlationId ?? randomUUID();
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
        if (pending.outgoing) sender.withdraw(pending.outgoing);
        return true;
      };
      const fail = (error: unknown): void => void (settle() && reject(error));
      const succeed = (reply: WireMessage): void => void (settle() && resolve(reply));
      const pending: Pending<O> = { recipient, outgoing: undefined, fail, succeed };
      const timer = setTimeout(() => fail(new RequestTimeoutError(recipient, timeoutMs)), timeoutMs);
      const onAbort = (): void => fail(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.byCorrelation.set(correlationId, pending);
      const request = { body, properties: { ...properties, correlationId, replyTo: sender.replyTo } };
      pending.outgoing = sender.send(request, onPublished, fail);
    });
  }

  /** Resolves the request that this answers; an answer that no request waits for is dropped. */
  answer(reply: WireMessage): void {
    const { correlationId } = reply.properties;
    if (correlationId !== undefined) this.byCorrelation.get(correlationId)?.succeed(reply);
  }

  /** The address that answers would have come to is lost: whatever was sent is rejected with `RequestInterruptedError`. */
  interrupt(): void {
    for (const { outgoing, recipient, fail } of [...this.byCorrelation.values()]) {
      if (outgoing?.sent) fail(new RequestInterruptedError(recipient));
    }
  }

  rejectAll(error: () => Error): void {
    for (const { fail } of [...this.byCorrelation.values()]) fail(error());
  }
}
