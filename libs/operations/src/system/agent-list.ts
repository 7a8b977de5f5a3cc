import { AgentProbe, type RegisteredAgent } from 'agentmq/agent';
import { groupOf } from 'agentmq/coordination';
import type { AgentStore } from 'agentmq/message-store';
import { contractOf } from 'agentmq/protocol';
import { AgentNotFoundError } from '../errors.js';
import type { Page, PageQuery } from '../views/page.js';
import type { AgentRow } from '../views/system.js';
import type { Condition, FactReader, Leadership } from './facts.js';
import { pageOf } from '../views/page-of.js';
import type { Roster } from './roster.js';

/** The agents, for people: with what is on record of them now. Everything rejects as `Database.ownQuery` does. */
export class AgentList {
  constructor(
    private readonly roster: Roster,
    private readonly facts: FactReader,
    private readonly agents: AgentStore,
  ) {}

  /** By id; those that have stopped come last. */
  async list(query: PageQuery = {}): Promise<Page<AgentRow>> {
    const page = pageOf(await this.roster.read(), ({ id, stopped }) => `${stopped ? 1 : 0} ${id}`, query);
    return { ...page, items: await this.rows(page.items) };
  }

  /** Rejects with {@link AgentNotFoundError}. */
  async find(id: string): Promise<AgentRow> {
    const [row] = await this.rows((await this.roster.read()).filter((agent) => agent.id === id));
    if (!row) throw new AgentNotFoundError(id);
    return row;
  }

  private async rows(agents: readonly RegisteredAgent[]): Promise<AgentRow[]> {
    if (agents.length === 0) return [];
    const [conditions, leaderships, pauses, snapshot] = await Promise.all([
      this.facts.conditions(),
      this.facts.leaderships(),
      this.facts.pauses(),
      this.agents.read(agents.map(({ id }) => id)),
    ]);
    const told = new Map(conditions.map((condition) => [condition.instance, condition]));
    // The registry's load is of some heartbeats ago.
    const recorded = new Map(snapshot.agents.map((agent) => [agent.instance, agent]));
    const pausedAs = new Map(pauses.map((pause) => [pause.target, pause]));
    return agents.map((agent) => {
      const pause = pausedAs.get(`agent.${agent.id}`);
      const row = rowOf(
        { ...agent, ...recorded.get(agent.instance), health: agent.health },
        told.get(agent.instance),
        leaderships,
      );
      return { ...row, ...(pause ? { pause } : {}) };
    });
  }
}

function rowOf(
  { id, roles, health, load, inFlight, version, instance, registeredAt, heartbeatAt, ...agent }: RegisteredAgent,
  condition: Condition | undefined,
  leaderships: readonly Leadership[],
): AgentRow {
  const groups = agent.capabilities.flatMap((capability) => groupOf(capability) ?? []);
  const leads = new Set(leaderships.filter((each) => each.instance === instance).map(({ group }) => group));
  return {
    ...{ id, roles, health, conditions: condition?.reasons ?? [] },
    ...(condition ? { conditionDetail: condition.detail } : {}),
    ...{ load, inFlight, version, instance, registeredAt, heartbeatAt },
    capabilities: agent.capabilities.filter((capability) => groupOf(capability) === undefined),
    contracts: contractsOf(agent.handles),
    circuits: agent.circuits.map((circuit) => ({ agent: circuit.agent, state: circuit.state })),
    groups: groups.sort().map((group) => ({ group, leads: leads.has(group) })),
  };
}

/** Without the probe, which each agent handles. */
const contractsOf = (handles: RegisteredAgent['handles']): string[] => {
  const own = handles.filter(({ type }) => type !== contractOf(AgentProbe).type);
  return [...new Set(own.map(({ type, version }) => `${type}@${version}`))].sort();
};
