import type { AgentRecord, ConsumerName, HandledContract } from 'agentmq/message-store';
import { topicMatches } from 'agentmq/protocol';
import { consumersOf } from '../../consumers.js';
import type { Facts } from './facts.js';

/** Whether an agent counts as live: heard of lately, and not stopped. */
export const isLive = ({ message: { now }, liveMs }: Facts, agent: AgentRecord): boolean =>
  !agent.stopped && now.getTime() - agent.heartbeatAt.getTime() < liveMs;

/** The agents that a consumer's inbox is read by while they are live. */
export const agentsOf = ({ agents }: Facts, consumer: ConsumerName): AgentRecord[] =>
  agents.filter((agent) => consumersOf(agent).includes(consumer));

/** Whether an agent has a handler for the message, at that consumer. */
export function canHandle({ message }: Facts, { handles }: AgentRecord, consumer: ConsumerName): boolean {
  const { type, version, recipient } = message;
  const topic = recipient.kind === 'topic' ? recipient.name : undefined;
  const isRole = consumer.startsWith('role.');
  return handles.some(
    (handled) =>
      handled.type === type &&
      handled.version === version &&
      isFor(handled, consumer, isRole) &&
      (topic === undefined
        ? handled.topic === undefined
        : handled.topic !== undefined &&
          handled.scope === (isRole ? 'role' : 'instance') &&
          topicMatches(handled.topic, topic)),
  );
}

const isFor = ({ role }: HandledContract, consumer: ConsumerName, isRole: boolean): boolean =>
  !isRole || role === undefined || consumer === `role.${role}`;
