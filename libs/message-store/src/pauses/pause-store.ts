import { clean, type Database, type Transaction } from 'agentmq/database';
import type { ConsumerName } from '../deliveries/delivery.js';

/** A role's inbox, or an agent, that takes nothing new. */
export interface StoredPause {
  /** `role.worker`: no agent reads the inbox of that role; `agent.worker-1`: the agent takes nothing at all. */
  readonly target: ConsumerName;
  /** The agent is to finish what it has, and to say when it has nothing left. */
  readonly drain: boolean;
  readonly by: string;
  readonly reason: string;
  readonly since: Date;
  readonly drainedAt: Date | null;
}

const COLUMNS = 'target, drain, paused_by AS by, reason, since, drained_at AS "drainedAt"';

/** What operators have paused. Agents read it, and keep to it. */
export class PauseStore {
  private readonly pauses: string;
  private readonly agents: string;

  constructor(private readonly database: Database) {
    this.pauses = `"${database.schema}".pauses`;
    this.agents = `"${database.schema}".agents`;
  }

  /** All, or those of these targets; by target. */
  list(targets?: readonly ConsumerName[]): Promise<StoredPause[]> {
    const sql = `SELECT ${COLUMNS} FROM ${this.pauses} WHERE $1::text[] IS NULL OR target = ANY ($1) ORDER BY target`;
    return this.database.ownQuery<StoredPause>(sql, [targets?.map(clean) ?? null]);
  }

  /** Pauses it; what is paused already keeps the time it began, and goes on to drain. Resolves with what is on record then. */
  async put(
    { target, drain, by, reason }: Pick<StoredPause, 'target' | 'drain' | 'by' | 'reason'>,
    transaction?: Transaction,
  ): Promise<StoredPause> {
    const [row] = await this.database.ownQuery<StoredPause>(
      `WITH told AS (UPDATE ${this.agents} SET changed_in = pg_current_xact_id() WHERE 'agent.' || id = $1)
       INSERT INTO ${this.pauses} AS p (target, drain, paused_by, reason) VALUES ($1, $2, $3, $4)
       ON CONFLICT (target) DO UPDATE
       SET drain = p.drain OR excluded.drain, paused_by = excluded.paused_by, reason = excluded.reason
       RETURNING ${COLUMNS}`,
      [clean(target), drain, clean(by), clean(reason)],
      transaction,
    );
    if (!row) throw new Error('an insert has returned no row');
    return row;
  }

  /** Resolves with what was on record; undefined when it is not paused. */
  async remove(target: ConsumerName, transaction?: Transaction): Promise<StoredPause | undefined> {
    const [row] = await this.database.ownQuery<StoredPause>(
      `WITH told AS (UPDATE ${this.agents} SET changed_in = pg_current_xact_id() WHERE 'agent.' || id = $1)
       DELETE FROM ${this.pauses} WHERE target = $1 RETURNING ${COLUMNS}`,
      [clean(target)],
      transaction,
    );
    return row;
  }

  /** Notes that an agent that drains has nothing left. */
  async drained(target: ConsumerName): Promise<void> {
    await this.database.ownQuery(
      `UPDATE ${this.pauses} SET drained_at = date_trunc('milliseconds', clock_timestamp())
       WHERE target = $1 AND drain AND drained_at IS NULL`,
      [clean(target)],
    );
  }
}
