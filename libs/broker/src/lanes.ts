/**
 * Priority is made of lanes: every inbox has two queues, one for priorities 0 to 5 and all that foreign producers send,
 * one for 6 to 10, and the publisher chooses. Each lane is consumed with a prefetch of its own, so that a normal lane
 * whose prefetch is used up never holds back the high one; what was fetched from both is handed out by priority.
 *
 * Why not `x-max-priority`: quorum queues know no priorities in RabbitMQ 3.10, two levels in 4.0 and all only in 4.3.
 * Lanes behave alike on quorum and classic queues of every version, and on a foreign client's messages. What it costs:
 * within one lane, messages that still wait at the broker come in the order of their arrival.
 */
export type Lane = 'high' | 'normal';

/** High first: consumers subscribe in this order, so that what is urgent is fetched first. */
export const LANES: readonly Lane[] = ['high', 'normal'];

const HIGHEST_NORMAL_PRIORITY = 5;

export const laneOf = (priority: number | undefined): Lane =>
  priority !== undefined && priority > HIGHEST_NORMAL_PRIORITY ? 'high' : 'normal';

/** A fifth of a prefetch goes to the high lane, the rest to the normal one, and to each at least 1. */
export function splitPrefetch(prefetch: number): Readonly<Record<Lane, number>> {
  const high = Math.max(1, Math.floor(prefetch / 5));
  return { high, normal: Math.max(1, prefetch - high) };
}
