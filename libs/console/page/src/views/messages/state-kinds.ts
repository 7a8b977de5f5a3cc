import type { DeliveryState } from 'agentmq/message-store';
import type { Kind } from '../../ui/basics.js';
import type { MessageRow } from '../../api/types.js';

export const stateKinds: Readonly<Record<DeliveryState, Kind>> = {
  pending: 'idle',
  processing: 'busy',
  retrying: 'warn',
  completed: 'good',
  dead: 'bad',
  expired: 'bad',
};

/** From what needs an operator most to what needs nothing. */
const order: readonly DeliveryState[] = ['dead', 'expired', 'retrying', 'processing', 'pending', 'completed'];

/** What is worth telling of all deliveries of a message in one word. */
export function worstOf({
  deliveries,
  published,
}: Pick<MessageRow, 'deliveries' | 'published'>): readonly [Kind, string] {
  const open = deliveries.filter(({ state, discarded }) => !(state === 'dead' && discarded));
  const worst = order.find((state) => open.some((each) => each.state === state));
  if (worst === undefined) {
    if (deliveries.length > 0) return ['idle', 'discarded'];
    return published ? ['idle', 'published'] : ['warn', 'in the outbox'];
  }
  if (worst === 'pending' && !published) return ['warn', 'in the outbox'];
  return [stateKinds[worst], worst];
}
