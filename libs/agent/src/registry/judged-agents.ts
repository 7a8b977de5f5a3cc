import type { AgentSnapshot } from 'agentmq/message-store';
import type { AgentSettings } from '../settings/settings.js';
import { healthOf, type RegisteredAgent } from './agent-health.js';
import { registryTimes } from './times.js';

/**
 * Agents as a process judges them that reads the record once, and is no agent itself: by their silence alone. An `AgentRegistry`
 * knows more: whether it was cut off itself.
 */
export function judgedAgents({ now, agents }: AgentSnapshot, settings: AgentSettings['registry']): RegisteredAgent[] {
  const times = registryTimes(settings);
  return agents.map((agent) => ({ ...agent, health: healthOf(agent, now, undefined, true, times) }));
}
