import type { DeliveryError, FailedAttempt, Store } from 'agentmq/message-store';
import { decodeBody, type Envelope, type Message } from 'agentmq/protocol';
import { envelopeOf } from './journal.js';

/** A message that was given up, at one consumer. */
export interface DeadLetter extends Envelope {
  /** As it was sent; its text where it is no JSON. */
  readonly payload: unknown;
  readonly consumer: string;
  /** It could not be handled, or its time was over before it was. */
  readonly state: 'dead' | 'expired';
  /** Why, at last. */
  readonly error: DeliveryError | null;
  /** The attempts that failed. */
  readonly history: readonly FailedAttempt[];
}

/** In the order of their ids, which is that in which each sender made them. */
export async function deadLettersOf({ history }: Pick<Store, 'history'>): Promise<DeadLetter[]> {
  const states = ['dead', 'expired'] as const;
  const lists = await Promise.all(states.map((state) => inState(history, state)));
  return lists.flat().sort((a, b) => (a.messageId < b.messageId ? -1 : 1));
}

async function inState(history: Store['history'], state: DeadLetter['state']): Promise<DeadLetter[]> {
  const stored = await history.list({ state, limit: 1_000 });
  return stored.flatMap(({ message, deliveries }) =>
    deliveries
      .filter((delivery) => delivery.state === state && !delivery.discarded)
      .map(({ consumer, error, history: attempts }) => ({
        ...envelopeOf(message),
        payload: payloadOf(message),
        consumer,
        state,
        error,
        history: attempts,
      })),
  );
}

function payloadOf({ body }: Message): unknown {
  try {
    return decodeBody(body);
  } catch {
    return body.toString();
  }
}
