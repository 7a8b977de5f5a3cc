import { clean, type Database } from 'agentmq/database';
import { RECIPIENT_GONE } from '../deliveries/delivery-error.js';
import type { Statements } from '../sql/index.js';
import type {
  HeartbeatRecord,
  AgentRecord,
  AgentRegistration,
  AgentSnapshot,
  ChangedAgents,
  HeartbeatOutcome,
} from './agent-record.js';

type Moment = Omit<AgentSnapshot, 'agents'>;

/** The agents, as the database knows them. */
export class AgentStore {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  /** Registers an agent, replacing an earlier instance of the same id. Resolves with what is on record now. */
  async register(agent: AgentRegistration): Promise<AgentRecord> {
    const rows = await this.database.ownQuery<AgentRecord>(this.sql.registerAgent, [
      clean(agent.id),
      clean(agent.role),
      agent.capabilities.map(clean),
      clean(agent.instance),
      clean(agent.version),
      agent.concurrency,
      clean(JSON.stringify(agent.handles ?? [])),
      agent.ephemeral ?? false,
      (agent.roles ?? [agent.role]).map(clean),
    ]);
    return rows[0] as AgentRecord;
  }

  /** Writes down that the instance is alive now, and what it says of itself; see {@link HeartbeatOutcome}. */
  async heartbeat(agent: HeartbeatRecord): Promise<HeartbeatOutcome> {
    const rows = await this.database.ownQuery<{ outcome: HeartbeatOutcome }>(this.sql.heartbeat, [
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

  /** Resolves when the database takes a write: of an agent's own row, which stays as it is. For a client no row is written. */
  async touch(id: string): Promise<void> {
    await this.database.ownQuery(this.sql.touchAgent, [clean(id)]);
  }

  /** Marks the instance as stopped. */
  async deregister({ id, instance }: Pick<AgentRecord, 'id' | 'instance'>): Promise<void> {
    await this.database.ownQuery(this.sql.deregisterAgent, [clean(id), clean(instance)]);
  }

  /** All agents of one moment, or those of these ids and those that have changed, the stopped and the silent included. */
  async read(ids?: readonly string[], changed?: ChangedAgents): Promise<AgentSnapshot> {
    const rows = await this.database.ownQuery<Moment & (AgentRecord | { readonly id: null })>(this.sql.agents, [
      ids?.map(clean) ?? null,
      changed?.since ?? null,
      changed?.silentMs ?? null,
    ]);
    const { now, position } = rows[0] as Moment;
    const agents = rows.flatMap(({ now: _, position: __, ...agent }) => (agent.id === null ? [] : [agent]));
    return { now, position, agents };
  }

  /**
   * Ends ephemeral agents that have said nothing for `silentMs`: they, their subscriptions and pauses, and what they are owed,
   * which expires. To be called by a process that can tell silence from its own being cut off. Resolves with their ids.
   */
  async end(silentMs: number): Promise<string[]> {
    const rows = await this.database.ownQuery<{ id: string }>(this.sql.endAgents, [silentMs, RECIPIENT_GONE]);
    return rows.map(({ id }) => id);
  }

  /**
   * Forgets agents that have said nothing for `silentMs`, unless that is true of all; 24 h later, unless they subscribed
   * again or are back, they are owed nothing more.
   */
  async forget(silentMs: number): Promise<void> {
    await this.database.ownQuery(this.sql.forgetAgents, [silentMs]);
  }
}
