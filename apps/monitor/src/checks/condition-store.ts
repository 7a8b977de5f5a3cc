import { Injectable } from '@nestjs/common';
import { AgentClient, type Transaction } from 'agentmq';
import { AgentRecovered, AgentUnhealthy } from 'agentmq/agent';
import { Database } from 'agentmq/database';
import { type AgentFinding, changesBetween, type ConditionChange, type ToldCondition } from './conditions.js';

/** The most changes that one transaction tells: a fleet that dies at once needs no more room in the outbox than this. */
export const MOST_CHANGES = 100;

const columns = 'agent_id AS agent, role, instance, reasons, detail, since';

/** What was told of unhealthy agents, on record. Everything rejects as `Database.query` does. */
@Injectable()
export class ConditionStore {
  private readonly conditions: string;

  constructor(
    private readonly database: Database,
    private readonly client: AgentClient,
  ) {
    this.conditions = `"${database.schema}".agent_conditions`;
  }

  /** At most `limit`, those first that are unhealthy for the longest time. */
  read(limit?: number): Promise<ToldCondition[]> {
    return this.database.query<ToldCondition>(
      `SELECT ${columns} FROM ${this.conditions} ORDER BY since, agent_id LIMIT $1`,
      [limit ?? null],
    );
  }

  /**
   * Puts what has changed on record and broadcasts it, both by the transaction: each change is told once, whether or not the
   * answer to the commit is lost. Resolves with what is told once that is committed: at most {@link MOST_CHANGES}, then call it
   * again.
   */
  async tell(found: readonly AgentFinding[], transaction: Transaction): Promise<ConditionChange[]> {
    const told = await transaction.query<ToldCondition>(`SELECT ${columns} FROM ${this.conditions} FOR UPDATE`);
    const changes = changesBetween(told, found).slice(0, MOST_CHANGES);
    for (const change of changes) {
      if (change.to === 'unhealthy') await this.unhealthy(change, transaction);
      else await this.recovered(change, transaction);
    }
    return changes;
  }

  private async unhealthy(
    { agent, role, instance, reasons, detail }: ConditionChange & { readonly to: 'unhealthy' },
    transaction: Transaction,
  ): Promise<void> {
    const [row] = await transaction.query<{ since: Date }>(
      `INSERT INTO ${this.conditions} AS known (agent_id, role, instance, reasons, detail) VALUES ($1, $2, $3, $4::text[], $5)
       ON CONFLICT (agent_id) DO UPDATE
       SET role = excluded.role, instance = excluded.instance, reasons = excluded.reasons, detail = excluded.detail
       RETURNING since`,
      [agent, role, instance, reasons, detail],
    );
    const since = (row?.since ?? new Date()).toISOString();
    const payload = { agent, role, instance, reasons: [...reasons], detail, since };
    await this.client.broadcast(AgentUnhealthy, payload, { transaction });
  }

  private async recovered(
    { agent, role, instance, outcome }: ConditionChange & { readonly to: 'recovered' },
    transaction: Transaction,
  ): Promise<void> {
    const [row] = await transaction.query<{ since: Date }>(
      `DELETE FROM ${this.conditions} WHERE agent_id = $1 RETURNING since`,
      [agent],
    );
    const since = (row?.since ?? new Date()).toISOString();
    await this.client.broadcast(AgentRecovered, { agent, role, instance, outcome, since }, { transaction });
  }
}
