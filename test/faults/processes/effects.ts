import { Injectable, Optional } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Transaction } from 'agentmq/database';
import { Pool } from 'pg';
import { Column, Entity, PrimaryColumn, Repository } from 'typeorm';
import { ledgerSchema } from '../numbered.js';
import { readVariables } from './variables.js';

/** The ledger makes its table, where nothing keeps a number from being there twice. */
@Entity({ name: 'transactional_effects', synchronize: false })
export class TransactionalEffect {
  @PrimaryColumn()
  n!: number;

  @Column({ name: 'agent_id' })
  agentId!: string;
}

/** What handlers do: a row for each number, in the transaction of the message or by themselves. */
@Injectable()
export class Effects {
  private readonly schema: string;
  private readonly pool: Pool;

  constructor(
    @Optional()
    @InjectRepository(TransactionalEffect)
    private readonly repository: Repository<TransactionalEffect> | undefined,
  ) {
    const { namespace, databaseUrl } = readVariables();
    this.schema = ledgerSchema(namespace);
    this.pool = new Pool({ connectionString: databaseUrl, max: 5, connectionTimeoutMillis: 5_000 });
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** Resolves when the row is committed. */
  async write(n: number, agentId: string): Promise<void> {
    await this.pool.query(`INSERT INTO ${this.schema}.plain_effects (n, agent_id) VALUES ($1, $2)`, [n, agentId]);
  }

  /** Resolves when the row is written; it is committed with the transaction. An injected repository is not passed it. */
  async writeIn(transaction: Transaction, n: number, agentId: string): Promise<void> {
    if (this.repository) {
      await this.repository.insert({ n, agentId });
      return;
    }
    const sql = `INSERT INTO ${this.schema}.transactional_effects (n, agent_id) VALUES ($1, $2)`;
    await transaction.query(sql, [n, agentId]);
  }

  /** Notes an attempt; resolves with how many there have been. */
  async attempt(n: number): Promise<number> {
    const { rows } = await this.pool.query<{ count: number }>(
      `WITH noted AS (INSERT INTO ${this.schema}.attempts (n) VALUES ($1) RETURNING n)
       SELECT (SELECT count(*) FROM ${this.schema}.attempts WHERE n = $1)::integer + count(*)::integer AS count FROM noted`,
      [n],
    );
    return rows[0]?.count ?? 0;
  }
}
