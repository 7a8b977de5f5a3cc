import type { AgentRecord, ConsumerName } from 'agentmq/message-store';

/** The consumers whose inboxes an agent reads: its roles', and its own. */
export const consumersOf = ({ id, roles }: Pick<AgentRecord, 'id' | 'roles'>): ConsumerName[] => [
  ...roles.map((role) => `role.${role}`),
  `agent.${id}`,
];
