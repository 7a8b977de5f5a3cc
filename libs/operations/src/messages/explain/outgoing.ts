import type { EntryFacts } from 'agentmq/message-store';
import type { Explanation } from '../../views/messages.js';
import type { Facts } from './facts.js';
import { agentsOf } from './readers.js';
import { between } from './words.js';

type Given = Omit<Explanation, 'consumer'>;

/** Of an open outbox entry: why the broker does not have the message yet. */
export function outgoing(facts: Facts, entry: EntryFacts): Given {
  const { now, storedAt } = facts.message;
  const { dueAt, scheduled, refusedAt, target, lastError, leasedBy } = entry;
  const left = between(now, dueAt);
  if (refusedAt) return refused(facts, entry, refusedAt);
  if (scheduled && dueAt > now)
    return { reason: 'delayed', text: `It is to go out in ${left}, not before.`, since: storedAt, until: dueAt };
  const holder = leasedBy === null ? '' : ` ${leasedBy} has it, for ${left} at most; then any agent takes it up.`;
  const common = { reason: 'in_outbox', since: storedAt, ...(dueAt > now ? { until: dueAt } : {}) } as const;
  if (lastError !== null)
    return {
      ...common,
      text: `It waits in the outbox for ${target}: publishing it failed, and is tried again. The last error: ${lastError}.${holder}`,
      advice: 'See whether agents reach the broker (GET /health/ready of each).',
      error: { name: 'Error', code: 'NOT_PUBLISHED', message: lastError },
    };
  return {
    ...common,
    text: `It is stored, and waits in the outbox to be published to ${target}.${holder}`,
    ...(dueAt <= now ? { advice: 'An agent has to run that reaches the broker: its relay publishes it.' } : {}),
  };
}

/** The inbox is full, or there is none: because its agents never ran, or because there are no such agents. */
function refused(facts: Facts, { target, lastError, dueAt }: EntryFacts, since: Date): Given {
  const { now } = facts.message;
  const ago = between(since, now);
  const common = { since, ...(dueAt > now ? { until: dueAt } : {}) };
  if (!lastError?.startsWith('no inbox'))
    return {
      ...common,
      reason: 'inbox_full',
      text: `The inbox of ${target} has been full for ${ago}. It waits in the outbox, and goes out when there is room.`,
      advice: target.startsWith('agent.')
        ? `See why ${target} does not take its messages.`
        : `Start more agents of ${target}, or see why they are slow.`,
    };
  if (agentsOf(facts, target).length === 0)
    return {
      ...common,
      reason: 'no_recipient',
      text: `There is no inbox of ${target}, and no agent of that name is on record. It has waited in the outbox for ${ago}.`,
      advice: `Start an agent of ${target}; or, if the name is wrong, move it: agentmq move ${target} <the right one>.`,
    };
  return {
    ...common,
    reason: 'inbox_missing',
    text: `There has been no inbox of ${target} at the broker for ${ago}. It waits in the outbox, and goes out when its agents start.`,
    advice: `Start an agent of ${target}: it makes the inbox.`,
  };
}
