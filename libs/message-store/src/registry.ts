import type {
  AgentHeartbeat,
  AgentRecord,
  AgentRegistration,
  AgentSnapshot,
  HeartbeatOutcome,
} from './agent-record.js';
import type { Database } from 'agentmq/database';
import { RECIPIENT_GONE } from './delivery-error.js';
import type { Statements } from './sql/index.js';
import { clean } from 'agentmq/database';

type AgentRow = AgentRecord & { readonly now: Date };

/** The agents, as the database knows them. */
export class Registry {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  async register(agent: AgentRegistration): Promise<AgentRecord> {
    const rows = await this.database.query<AgentRecord>(this.sql.registerAgent, [
      clean(agent.id),
      clean(agent.role),
      agent.capabilities.map(clean),
      clean(agent.instance),
      clean(agent.version),
      agent.concurrency,
      clean(JSON.stringify(agent.handles ?? [])),
      agent.ephemeral ?? false,
    ]);
    return rows[0] as AgentRecord;
  }

  async heartbeat(agent: AgentHeartbeat): Promise<HeartbeatOutcome> {
    const rows = await this.database.query<{ outcome: HeartbeatOutcome }>(this.sql.heartbeat, [
      clean(agent.id),
      clean(agent.instance),
      agent.sequence,
      agent.capabilities.map(clean),
      clean(agent.version),
      agent.load,
      agent.inFlight,
      agent.concurrency,
      clean(JSON.stringify(agent.circuits)),
    ]);
    return rows[0]?.outcome ?? 'unknown';
  }

  async deregister({ id, instance }: Pick<AgentRecord, 'id' | 'instance'>): Promise<void> {
    await this.database.query(this.sql.deregisterAgent, [clean(id), clean(instance)]);
  }

  async read(ids?: readonly string[]): Promise<AgentSnapshot> {
    const rows = await this.database.query<AgentRow | (Pick<AgentRow, 'now'> & { id: null })>(this.sql.agents, [
      ids?.map(clean) ?? null,
    ]);
    const { now } = rows[0] as { now: Date };
    return { now, agents: rows.flatMap(({ now: _, ...agent }) => (agent.id === null ? [] : [agent])) };
  }

  async end(silentMs: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(this.sql.endAgents, [silentMs, RECIPIENT_GONE]);
    return rows.map(({ id }) => id);
  }

  async forget(silentMs: number): Promise<void> {
    await this.database.query(this.sql.forgetAgents, [silentMs]);
  }
}
