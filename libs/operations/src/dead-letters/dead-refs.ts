import type { DeliveryRef, DeliveryState, HistoryStore } from 'agentmq/message-store';
import { MessageNotFoundError, NotDeadError, SeveralConsumersError } from '../errors.js';

/**
 * Where a message is dead: at `consumer` if one is given (whether it is dead there is for the caller to find out), else
 * wherever it is in one of `states` and was not discarded. Rejects with {@link MessageNotFoundError} or `NotDeadError`.
 */
export async function deadRefs(
  history: HistoryStore,
  messageId: string,
  consumer?: string,
  states: readonly DeliveryState[] = ['dead'],
): Promise<DeliveryRef[]> {
  const stored = await history.find(messageId);
  if (!stored) throw new MessageNotFoundError(messageId);
  if (consumer !== undefined) return [{ messageId, consumer }];
  const dead = stored.deliveries.filter(({ state, discarded }) => states.includes(state) && discarded === null);
  if (dead.length > 0) return dead.map((each) => ({ messageId, consumer: each.consumer }));
  const [other] = stored.deliveries;
  throw other ? new NotDeadError(messageId, other.consumer, other.state) : new MessageNotFoundError(messageId);
}

/** As {@link deadRefs}, for what is possible at one consumer only. Rejects with {@link SeveralConsumersError} too. */
export async function deadRef(
  history: HistoryStore,
  messageId: string,
  consumer?: string,
  states?: readonly DeliveryState[],
): Promise<DeliveryRef> {
  const refs = await deadRefs(history, messageId, consumer, states);
  const [ref] = refs;
  if (!ref || refs.length > 1) {
    throw new SeveralConsumersError(
      messageId,
      refs.map((each) => each.consumer),
    );
  }
  return ref;
}
