import type { AgentRecord, ConsumerName, Store } from 'agentmq/message-store';
import { type ContractCatalogue, contractKey } from 'agentmq/protocol';
import type { ContractRow } from '../views/contracts.js';

/** The contracts of a namespace: those that its live agents handle, and those that this process knows. Needs no broker. */
export class Contracts {
  constructor(
    private readonly store: Pick<Store, 'agents'>,
    private readonly known: ContractCatalogue,
    /** How long an agent that counts as live may have been silent, in ms. */
    private readonly liveMs: number,
  ) {}

  /** By type and version. */
  async list(): Promise<ContractRow[]> {
    const { now, agents } = await this.store.agents.read();
    const rows = new Map<string, ContractRow>(
      this.known.all().map((contract) => {
        const { type, version, keys, sensitive } = contract;
        return [contractKey(contract), { type, version, keys, sensitive, handledBy: [] }];
      }),
    );
    for (const agent of agents) {
      if (agent.stopped || now.getTime() - agent.heartbeatAt.getTime() >= this.liveMs) continue;
      for (const handled of agent.handles) {
        const { type, version } = handled;
        const row = rows.get(contractKey(handled)) ?? { type, version, keys: [], handledBy: [] };
        const handledBy = [...new Set([...row.handledBy, ...handlersOf(agent, handled)])].sort();
        rows.set(contractKey(handled), { ...row, handledBy });
      }
    }
    return [...rows.values()].sort((a, b) => (a.type === b.type ? a.version - b.version : a.type < b.type ? -1 : 1));
  }
}

/** What is published to a topic of the agent's own comes to its own inbox; all else to its roles, or to one of them. */
function handlersOf({ id, roles }: AgentRecord, { scope, role }: AgentRecord['handles'][number]): ConsumerName[] {
  if (scope === 'instance') return [`agent.${id}`];
  return (role === undefined ? roles : [role]).map((each) => `role.${each}`);
}
