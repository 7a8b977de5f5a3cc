import type { Database } from './database.js';
import { AgentEntity } from './entities/index.js';
import type { AgentHeartbeat, AgentRecord, AgentRegistration } from './agent-record.js';
import type { Statements } from './sql/index.js';
import { clean } from './text.js';

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
    ]);
    return rows[0] as AgentRecord;
  }

  async heartbeat({ id, instance, load, inFlight }: AgentHeartbeat): Promise<boolean> {
    const parameters = [clean(id), clean(instance), load, inFlight];
    return (await this.database.query(this.sql.heartbeat, parameters)).length > 0;
  }

  async deregister({ id, instance }: Pick<AgentRecord, 'id' | 'instance'>): Promise<void> {
    await this.database.query(this.sql.deregisterAgent, [clean(id), clean(instance)]);
  }

  async all(): Promise<AgentRecord[]> {
    return this.database.read((manager) => manager.find(AgentEntity, { order: { id: 'ASC' } }));
  }

  async markUnhealthy(timeoutMs: number): Promise<AgentRecord[]> {
    await this.database.query(this.sql.forgetAgents, [timeoutMs]);
    return this.database.query<AgentRecord>(this.sql.markUnhealthy, [timeoutMs]);
  }
}
