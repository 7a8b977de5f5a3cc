import type { HopRecord, StoredDelivery } from 'agentmq/message-store';
import type { HopAttempt } from './trace.js';

/** The attempts at one message of one consumer: as the store has them, with the times that were recorded. */
export function attemptsOf(delivery: StoredDelivery | undefined, received: readonly HopRecord[]): HopAttempt[] {
  const attempts = new Map<number, HopAttempt>();
  const add = (attempt: HopAttempt): void => {
    attempts.set(attempt.attempt, { ...attempts.get(attempt.attempt), ...attempt });
  };
  for (const { attempt, agentId, beganAt, endedAt, outcome, error } of received)
    add({
      attempt,
      agent: agentId,
      receivedAt: beganAt,
      ...(outcome === 'handling' ? {} : { handledAt: endedAt }),
      outcome: isKnown(outcome) ? outcome : 'failed',
      ...(error ? { error: { name: error.name, code: error.code } } : {}),
    });
  if (delivery) for (const each of stored(delivery)) add(each);
  return [...attempts.values()].sort((a, b) => a.attempt - b.attempt);
}

const isKnown = (outcome: string): outcome is HopAttempt['outcome'] =>
  outcome === 'completed' || outcome === 'fenced' || outcome === 'handling';

/** Of a delivery the store keeps the attempts that failed, and the last one. */
function* stored({ attempt, agentId, state, history, receivedAt, finishedAt }: StoredDelivery): Iterable<HopAttempt> {
  for (const failed of history)
    yield {
      attempt: failed.attempt,
      agent: failed.agentId ?? 'unknown',
      handledAt: failed.at,
      outcome: 'failed',
      error: { name: failed.error.name, code: failed.error.code },
    };
  // Given back, it has no agent.
  if (agentId === null || attempt < 1 || (state !== 'processing' && state !== 'completed')) return;
  yield {
    attempt,
    agent: agentId,
    ...(attempt === 1 && receivedAt ? { receivedAt } : {}),
    ...(finishedAt ? { handledAt: finishedAt } : {}),
    outcome: state === 'completed' ? 'completed' : 'handling',
  };
}
