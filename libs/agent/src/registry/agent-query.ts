import type { AgentHealth, RegisteredAgent } from './agent-health.js';
import { globMatcher } from './glob.js';

/** What to look for; every criterion given must hold. */
export interface AgentQuery {
  readonly id?: string;
  readonly role?: string;
  /** A capability, or a glob: `nlp_*`. */
  readonly capability?: string;
  /** `healthy` unless given; one of several, or `any`. */
  readonly health?: AgentHealth | readonly AgentHealth[] | 'any';
}

/** The agents that match, by load and then id. */
export function select(agents: Iterable<RegisteredAgent>, query: AgentQuery): RegisteredAgent[] {
  const { id, role, capability, health = 'healthy' } = query;
  const wanted = capability === undefined ? undefined : globMatcher(capability);
  const healths = typeof health === 'string' ? [health] : health;
  return [...agents]
    .filter(
      (agent) =>
        (id === undefined || agent.id === id) &&
        (role === undefined || agent.role === role) &&
        (wanted === undefined || agent.capabilities.some(wanted)) &&
        (health === 'any' || healths.includes(agent.health)),
    )
    .sort((a, b) => a.load - b.load || (a.id < b.id ? -1 : 1));
}
