import type { HandledContract } from 'agentmq/message-store';
import type { AgentHealth, RegisteredAgent } from './agent-health.js';
import { globMatcher } from './glob.js';

/** What to look for; every criterion given must hold. */
export interface AgentQuery {
  readonly id?: string;
  /** One of its roles. The other criteria are then about what it does for that. */
  readonly role?: string;
  /** A capability, or a glob: `nlp_*`. */
  readonly capability?: string;
  /** A message that the agent has a handler for; with `task`, a type of tasks that it carries out. */
  readonly handles?: Pick<HandledContract, 'type' | 'version' | 'task'>;
  /** `healthy` unless given; one of several, or `any`. A healthy agent that is paused is left out, but for `any`. */
  readonly health?: AgentHealth | readonly AgentHealth[] | 'any';
}

/** The agents that match, by load and then id. */
export function select(agents: Iterable<RegisteredAgent>, query: AgentQuery): RegisteredAgent[] {
  const { id, role, capability, handles, health = 'healthy' } = query;
  const wanted = capability === undefined ? undefined : globMatcher(capability);
  const healths = typeof health === 'string' ? [health] : health;
  return [...agents]
    .filter(
      (agent) =>
        (id === undefined || agent.id === id) &&
        (role === undefined || agent.roles.includes(role)) &&
        (wanted === undefined || capabilitiesOf(agent, role).some(wanted)) &&
        (handles === undefined || agent.handles.some((handled) => covers(handled, handles, role))) &&
        (health === 'any' || (healths.includes(agent.health) && !(agent.paused && agent.health === 'healthy'))),
    )
    .sort((a, b) => a.load - b.load || (a.id < b.id ? -1 : 1));
}

/** For a role: without the tasks that the agent carries out for its other roles alone. */
function capabilitiesOf(
  { capabilities, handles, roles }: RegisteredAgent,
  role: string | undefined,
): readonly string[] {
  if (role === undefined || roles.length < 2) return capabilities;
  const tasks = handles.filter(({ task }) => task);
  const own = new Set(tasks.filter((handled) => isFor(handled, role)).map(({ type }) => type));
  const others = new Set(tasks.map(({ type }) => type));
  return capabilities.filter((capability) => own.has(capability) || !others.has(capability));
}

const isFor = (handled: HandledContract, role: string | undefined): boolean =>
  handled.role === undefined || role === undefined || handled.role === role;

const covers = (
  handled: HandledContract,
  { type, version, task }: NonNullable<AgentQuery['handles']>,
  role: string | undefined,
): boolean =>
  isFor(handled, role) && handled.type === type && handled.version === version && (!task || handled.task === true);
