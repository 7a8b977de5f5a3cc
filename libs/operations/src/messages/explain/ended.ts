import type { DeliveryFacts } from 'agentmq/message-store';
import type { Explanation } from '../../views/messages.js';
import { between } from './words.js';

/** Of a delivery that has ended; undefined of any other. */
export function ended(delivery: DeliveryFacts, now: Date): Explanation | undefined {
  const { consumer, state, finishedAt, agentId, attempt, error, discarded } = delivery;
  const shared = {
    consumer,
    ...(finishedAt ? { since: finishedAt } : {}),
    ...(agentId === null ? {} : { agent: agentId }),
    ...(error ? { error } : {}),
  };
  const ago = finishedAt ? ` ${between(finishedAt, now)} ago` : '';
  const by = agentId === null ? '' : ` by ${agentId}`;
  if (discarded) {
    const end = state === 'expired' ? 'Its time to live ended' : 'It could not be handled';
    const text = `${end}, and it was discarded as dealt with: ${discarded.reason}.`;
    return { ...shared, reason: 'discarded', text, since: new Date(discarded.at) };
  }
  switch (state) {
    case 'completed':
      return { ...shared, reason: 'completed', text: `It was handled${by}${ago}, at attempt ${attempt}.` };
    case 'expired':
      return {
        ...shared,
        reason: 'expired',
        text: `Its time to live ended${ago}: ${error?.message ?? 'it was not handled in time'}.`,
        advice: 'Requeue it: it then begins anew, with its whole time to live.',
      };
    case 'dead': {
      const attempts = attempt === 0 ? 'It was never given to a handler' : `It failed at attempt ${attempt}${by}`;
      return {
        ...shared,
        reason: 'dead',
        text: `${attempts}, and was given up${ago}: ${error?.message ?? 'no reason is on record'}.`,
        advice: 'Mend the cause, then requeue it; or discard it with a reason.',
      };
    }
    default:
      return undefined;
  }
}
