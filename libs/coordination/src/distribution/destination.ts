import type { AgentRegistry, RegisteredAgent } from 'agentmq/agent';
import { checkName, InvalidMessageError } from 'agentmq/protocol';
import type { Candidate } from './balancing/strategy.js';

/** Which agents may do a piece of work: an agent of a role, one certain agent, or an agent with a capability (a glob). */
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

/** What {@link destinationName} wrote. */
export function parseDestination(text: string): Destination {
  const dot = text.indexOf('.');
  return { [text.slice(0, dot)]: text.slice(dot + 1) } as unknown as Destination;
}

/** What is wrong with a destination, whose types an app in JavaScript may not have kept; undefined when nothing is. */
export function destinationProblem(to: unknown): string | undefined {
  const [[kind, name] = ['', undefined], ...more] = Object.entries(typeof to === 'object' && to !== null ? to : {}) as [
    string,
    unknown,
  ][];
  if (!['role', 'agent', 'capability'].includes(kind) || typeof name !== 'string' || more.length > 0)
    return 'must be { role }, { agent } or { capability }';
  try {
    // a capability may be a glob
    checkName(kind, kind === 'capability' ? name.replaceAll('*', '_') : name);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidMessageError) return error.problem;
    throw error;
  }
}

/**
 * The healthy agents that could do what goes to a destination, by preference: a later list is for when no agent of the earlier
 * ones can. A capability that a routing rule matches goes to the rule's target, then to its fallbacks, whether
 * or not the agents there declare it; any other to the agents that declare it. Every list is there, however empty; each is by load.
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
 * The healthy agents of which one is chosen for a destination: the first list of {@link choicesFor} that has any.
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
