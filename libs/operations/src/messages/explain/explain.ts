import type { ConsumerName, DeliveryFacts, EntryFacts } from 'agentmq/message-store';
import { formatRecipient } from 'agentmq/protocol';
import type { Explanation } from '../../views/messages.js';
import { ended } from './ended.js';
import type { Facts } from './facts.js';
import { outgoing } from './outgoing.js';
import { agentsOf, canHandle, isLive } from './readers.js';
import { noHandler, waiting } from './waiting.js';
import { between } from './words.js';

/**
 * Why a message has, or has not, been handled: of each consumer that is owed it, what has not ended first. One explanation
 * without a consumer where none is known to be owed it. Neither clock nor I/O.
 */
export function explain(facts: Facts): Explanation[] {
  const { deliveries, entries, recipient, storedAt } = facts.message;
  if (deliveries.length > 0) return deliveries.map((delivery) => explainDelivery(facts, delivery));
  const [entry] = entries;
  if (entry) return [outgoing(facts, entry)];
  if (recipient.kind === 'role' || recipient.kind === 'agent') {
    const consumer = formatRecipient(recipient);
    return [{ consumer, ...waiting(facts, consumer) }];
  }
  const topic = recipient.kind === 'topic';
  return [
    {
      reason: 'no_recipient',
      text: topic
        ? `No consumer was subscribed to ${recipient.name} when it was published.`
        : 'It was sent to all, and no agent that handles it was subscribed.',
      since: storedAt,
      advice: 'A consumer that subscribes now gets it by a replay: agentmq replay --to <consumer>.',
    },
  ];
}

/** What is said of a message that is not stored. */
export const notFound = (id: string): Explanation => ({
  reason: 'not_found',
  text: `There is no message ${id} in the store: it was never committed, was not to be stored (a request, or transient), or has been forgotten since.`,
  advice: 'See its trace, and whether the transaction that sent it was committed.',
});

function explainDelivery(facts: Facts, delivery: DeliveryFacts): Explanation {
  const { consumer } = delivery;
  return ended(delivery, facts.message.now) ?? { consumer, ...open(facts, delivery) };
}

function open(facts: Facts, delivery: DeliveryFacts): Omit<Explanation, 'consumer'> {
  const { consumer, state, leasedUntil } = delivery;
  if (state === 'processing' && leasedUntil) return claimed(facts, delivery, leasedUntil);
  if (state === 'retrying' && delivery.unhandledSince) return waitsForHandler(facts, delivery, delivery.unhandledSince);
  if (state === 'retrying' && delivery.dueAt && delivery.dueAt > facts.message.now)
    return retryDue(facts, delivery, delivery.dueAt);
  const entry = entryOf(facts.message.entries, delivery);
  return entry ? outgoing(facts, entry) : waiting(facts, consumer, delivery);
}

/** The entry that brings the message to the consumer: a copy of its own, or the first publication. */
const entryOf = (entries: readonly EntryFacts[], { consumer, state }: DeliveryFacts): EntryFacts | undefined =>
  entries.find((entry) => entry.consumer === consumer) ??
  (state === 'pending' ? entries.find((entry) => entry.consumer === null) : undefined);

function claimed(
  facts: Facts,
  { agentId, attempt, receivedAt }: DeliveryFacts,
  until: Date,
): Omit<Explanation, 'consumer'> {
  const { now } = facts.message;
  const name = agentId ?? 'an agent';
  const agent = facts.agents.find(({ id }) => id === agentId);
  const shared = {
    until,
    ...(agentId === null ? {} : { agent: agentId }),
    ...(receivedAt ? { since: receivedAt } : {}),
  };
  if (until <= now)
    return {
      ...shared,
      reason: 'lease_expired',
      text: `${name} had it (attempt ${attempt}) and is silent: its lease ended ${between(until, now)} ago. It is tried again when the broker delivers it anew, or by a replay of its agents.`,
    };
  const silent =
    agent && isLive(facts, agent)
      ? ''
      : ` ${name} is silent: if it is gone, the message is tried again when the lease ends.`;
  return {
    ...shared,
    reason: 'claimed',
    text: `${name} handles it now, at attempt ${attempt}. Its lease ends in ${between(now, until)}, unless it is prolonged.${silent}`,
  };
}

function waitsForHandler(
  facts: Facts,
  { consumer, dueAt, error }: DeliveryFacts,
  since: Date,
): Omit<Explanation, 'consumer'> {
  const able = agentsOf(facts, consumer).some((agent) => isLive(facts, agent) && canHandle(facts, agent, consumer));
  const { text, advice } = noHandler(facts, consumer);
  const ends = dueAt ? ` It is dead in ${between(facts.message.now, dueAt)} if none comes.` : '';
  return {
    reason: 'no_handler',
    since,
    ...(dueAt ? { until: dueAt } : {}),
    ...(error ? { error } : {}),
    text: able ? 'It waited for an agent that handles it. One has come, and gets it within seconds.' : `${text}${ends}`,
    ...(able || !advice ? {} : { advice }),
  };
}

function retryDue(
  facts: Facts,
  { attempt, agentId, error }: DeliveryFacts,
  until: Date,
): Omit<Explanation, 'consumer'> {
  const by = agentId === null ? '' : ` of ${agentId}`;
  return {
    reason: 'retry_due',
    until,
    ...(agentId === null ? {} : { agent: agentId }),
    ...(error ? { error } : {}),
    text: `Attempt ${attempt}${by} failed: ${error?.message ?? 'no reason is on record'}. The next one is due in ${between(facts.message.now, until)}.`,
  };
}

/** The consumers of which explanations need to know the queue. */
export const openConsumers = ({ deliveries, recipient }: Facts['message']): ConsumerName[] => {
  const open = deliveries.filter(({ finishedAt }) => finishedAt === null).map(({ consumer }) => consumer);
  const isDirect = recipient.kind === 'role' || recipient.kind === 'agent';
  return deliveries.length === 0 && isDirect ? [formatRecipient(recipient)] : open;
};
