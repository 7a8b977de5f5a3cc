import type { AgentRow } from 'agentmq/operations';
import type { JsonOption, ListOptions } from '../command/options.js';
import { withStore } from '../command/with-store.js';
import { age, printFields, printJson, printPage, stateStyle, type TableView } from '../output/index.js';
import { pauseText, pauseWord } from './pause-text.js';
import { systemOf } from './system.js';

/** Prints the agents on record. */
export function listAgents({ json, ...query }: ListOptions): Promise<void> {
  return withStore(async (store, settings) => {
    printPage(await systemOf(store, settings).agents.list(query), json, view);
  });
}

/** Prints all that is on record of one. Rejects with `AgentNotFoundError`. */
export function showAgent(id: string, { json }: JsonOption): Promise<void> {
  return withStore(async (store, settings) => {
    const agent = await systemOf(store, settings).agents.find(id);
    if (json) printJson(agent);
    else printAgent(agent);
  });
}

function printAgent(agent: AgentRow): void {
  const { pause, conditions, conditionDetail } = agent;
  printFields({
    agent: agent.id,
    health: [agent.health, stateStyle(agent.health)],
    conditions: conditions.length > 0 ? [`${conditions.join(', ')}: ${conditionDetail}`, 'yellow'] : undefined,
    pause: pause && [pauseText(pause), 'yellow'],
    roles: agent.roles.join(', '),
    version: agent.version,
    instance: agent.instance,
    load: loadOf(agent),
    'in hand': String(agent.inFlight),
    started: `${agent.registeredAt.toISOString()} (${age(agent.registeredAt)} ago)`,
    heartbeat: `${age(agent.heartbeatAt)} ago`,
    capabilities: agent.capabilities.join(', ') || undefined,
    contracts: agent.contracts.join(', ') || undefined,
    circuits: agent.circuits.map((circuit) => `${circuit.agent} ${circuit.state}`).join(', ') || undefined,
    groups: agent.groups.map(({ group, leads }) => `${group}${leads ? ' (leads)' : ''}`).join(', ') || undefined,
  });
}

const loadOf = ({ load }: AgentRow): string => `${Math.round(load * 100)}%`;

const view: TableView<AgentRow> = {
  columns: [
    { title: 'agent', align: 'left', least: 24, cell: ({ id }) => id },
    { title: 'health', align: 'left', paint: stateStyle, cell: ({ health }) => health },
    { title: 'state', align: 'left', least: 12, paint: stateStyle, cell: stateOf },
    { title: 'roles', align: 'left', least: 14, cell: ({ roles }) => roles.join(', ') },
    { title: 'load', align: 'right', cell: loadOf },
    { title: 'in hand', align: 'right', cell: ({ inFlight }) => String(inFlight) },
    { title: 'version', align: 'left', optional: 2, cell: ({ version }) => version },
    { title: 'up', align: 'right', optional: 1, cell: ({ registeredAt }) => age(registeredAt) },
    { title: 'heartbeat', align: 'right', optional: 3, cell: ({ heartbeatAt }) => age(heartbeatAt) },
    { title: 'leads', align: 'left', least: 12, optional: 4, cell: leadsOf },
  ],
  none: 'no agents',
};

function leadsOf({ groups }: AgentRow): string {
  return groups
    .filter(({ leads }) => leads)
    .map(({ group }) => group)
    .join(', ');
}

/** What a person has done to it, and what the monitor says of it. */
function stateOf({ pause, conditions }: AgentRow): string {
  return [...(pause ? [pauseWord(pause)] : []), ...conditions].join(', ');
}
