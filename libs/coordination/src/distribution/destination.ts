import type { AgentRegistry, RegisteredAgent } from 'agentmq/agent';
import type { Candidate } from '../balancing/strategy.js';

/** Who is to do a piece of work: an agent of a role, one certain agent, or an agent with a capability (a glob). */
export type Destination = { readonly role: string } | { readonly agent: string } | { readonly capability: string };

/** What routing rules say: the `Router`. */
export interface Routing {
  /** The rule for a capability, if there is one. */
  find(capability: string): { readonly targets: readonly Destination[] } | undefined;
}

/** `role.worker`, `agent.worker-1` or `capability.resize`. */
export function destinationName(to: Destination): string {
  const [[kind, name]] = Object.entries(to) as [[string, string]];
  return `${kind}.${name}`;
}

/**
 * The healthy agents that could do what goes to a destination, by preference: those of a later list are for when none of
 * the earlier ones can. A capability that a routing rule matches goes to the rule's target, then to its fallbacks, whether
 * or not those declare it; any other to the agents that declare it. Every list is there, however empty; each is by load.
 */
export function choicesFor(
  to: Destination,
  agents: Pick<AgentRegistry, 'find'>,
  routing: Routing,
): RegisteredAgent[][] {
  const rule = 'capability' in to ? routing.find(to.capability) : undefined;
  return (rule?.targets ?? [to]).map((target) => agents.find('agent' in target ? { id: target.agent } : target));
}

/**
 * The healthy agents that whoever gives out work for a destination chooses from: those of the first list of
 * {@link choicesFor} that has any.
 */
export function candidatesFor(
  to: Destination,
  agents: Pick<AgentRegistry, 'find'>,
  routing: Routing,
  inFlight: (agent: RegisteredAgent) => number = () => 0,
): Candidate[] {
  const choice = choicesFor(to, agents, routing).find(({ length }) => length > 0) ?? [];
  return choice.map((agent) => ({ ...agent, inFlight: inFlight(agent) }));
}
