import type { ConsumerName, DeliveryFacts } from 'agentmq/message-store';
import type { Explanation } from '../../views/messages.js';
import type { Facts } from './facts.js';
import { agentsOf, canHandle, isLive } from './readers.js';
import { between, listed } from './words.js';

type Given = Omit<Explanation, 'consumer'>;

/** Of what the broker has, and no agent has claimed: which agents are to take it, and why they do not. */
export function waiting(facts: Facts, consumer: ConsumerName, delivery?: DeliveryFacts): Given {
  const { storedAt, expiresAt, type, version } = facts.message;
  const ends = delivery?.expiresAt ?? expiresAt;
  const depth = facts.queues.get(consumer);
  const shared = {
    since: storedAt,
    ...(ends ? { until: ends } : {}),
    ...(depth === undefined ? {} : { queueDepth: depth }),
    ...(delivery?.error ? { error: delivery.error } : {}),
  };
  const agents = agentsOf(facts, consumer);
  const live = agents.filter((agent) => isLive(facts, agent));
  const paused = pausedText(facts, consumer, live);
  if (paused) return { ...shared, ...paused, reason: 'paused' };
  const forwarded = delivery?.forwardedTo;
  if (!forwarded && facts.queues.has(consumer) && depth === undefined)
    return { ...shared, ...inboxMissing(consumer, live), reason: 'inbox_missing' };
  if (live.length === 0) return { ...shared, ...noConsumer(facts, consumer), reason: 'no_consumer' };
  if (!live.some((agent) => canHandle(facts, agent, consumer)))
    return { ...shared, ...noHandler(facts, consumer), reason: 'no_handler' };
  if (forwarded)
    return {
      ...shared,
      reason: 'queued',
      agent: forwarded,
      text: `It was passed on to ${forwarded}, which handles ${type}@${version}, and waits in its inbox.`,
    };
  const names = listed(live.map(({ id }) => id));
  return { ...shared, reason: 'queued', text: `It waits to be taken by ${names}. ${behind(depth)}` };
}

function behind(depth: number | undefined): string {
  if (depth === undefined) return 'How many messages wait before it, the broker was not asked.';
  if (depth === 0)
    return 'The queue is empty: an agent has fetched it and begins soon, or it is put on its way again if it was lost.';
  return depth === 1 ? '1 message waits in the queue.' : `${depth} messages wait in the queue.`;
}

function pausedText(
  facts: Facts,
  consumer: ConsumerName,
  live: readonly { readonly id: string }[],
): Pick<Explanation, 'text' | 'advice'> | undefined {
  const { pauses, message } = facts;
  const ofIt = pauses.find(({ target }) => target === consumer);
  if (ofIt)
    return {
      text: `${consumer} was paused by ${ofIt.by} ${between(ofIt.since, message.now)} ago: ${ofIt.reason}.`,
      advice: `Resume ${consumer}.`,
    };
  const isPaused = ({ id }: { readonly id: string }): boolean => pauses.some(({ target }) => target === `agent.${id}`);
  if (live.length === 0 || !live.every(isPaused)) return undefined;
  const names = listed(live.map(({ id }) => id));
  return { text: `All agents that read the inbox of ${consumer} are paused: ${names}.`, advice: 'Resume one of them.' };
}

/** It was published: its queue was deleted since, or the broker has lost it. The agent that makes it anew replays what is owed to it. */
function inboxMissing(
  consumer: ConsumerName,
  live: readonly { readonly id: string }[],
): Pick<Explanation, 'text' | 'advice'> {
  const gone = `The broker has no inbox of ${consumer} any more: it was deleted, or lost with the broker, and the message with it.`;
  if (live.length === 0)
    return {
      text: `${gone} It is put on its way again when an agent of ${consumer} starts.`,
      advice: `Start an agent of ${consumer}: it makes the inbox.`,
    };
  return {
    text: `${gone} ${listed(live.map(({ id }) => id))} makes it again, and the message is put on its way again.`,
  };
}

function noConsumer(facts: Facts, consumer: ConsumerName): Pick<Explanation, 'text' | 'advice'> {
  const { now } = facts.message;
  const latest = agentsOf(facts, consumer).sort((a, b) => b.heartbeatAt.getTime() - a.heartbeatAt.getTime())[0];
  const last = latest
    ? `The last one, ${latest.id}, ${latest.stopped ? 'has stopped' : `was heard of ${between(latest.heartbeatAt, now)} ago`}.`
    : 'None is on record.';
  return {
    text: `It waits in the queue of ${consumer}, which no live agent reads. ${last}`,
    advice: `Start an agent of ${consumer}.`,
  };
}

/** Of what waits for an instance that handles it, and of what would if it were taken. */
export function noHandler({ message }: Facts, consumer: ConsumerName): Pick<Explanation, 'text' | 'advice'> {
  const contract = `${message.type}@${message.version}`;
  return {
    text: `No live agent of ${consumer} has a handler for ${contract}.`,
    advice: `Start a version of ${consumer} that handles ${contract}.`,
  };
}
