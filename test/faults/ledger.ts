import { Store } from 'agentmq/message-store';
import { Pool } from 'pg';
import { account, type Account, type LedgerRow } from './accounting.js';
import { type JournalEntries } from './journal.js';
import { CONSUMER, ledgerSchema } from './numbered.js';

/** What is left to do. */
export interface Backlog {
  readonly outbox: number;
  readonly open: number;
}

/** What a namespace's database says about the numbers, and what the suite adds to it: effects tables, and an audit. */
export class Ledger {
  private readonly pool: Pool;
  private readonly schema: string;

  private constructor(
    url: string,
    readonly namespace: string,
  ) {
    this.schema = ledgerSchema(namespace);
    this.pool = new Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 5_000 });
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** Makes the namespace's schema, and beside it the ledger's. */
  static async open(url: string, namespace: string): Promise<Ledger> {
    const store = Store.connect({ url, namespace });
    try {
      await store.database.migrate();
    } finally {
      await store.database.close();
    }
    const ledger = new Ledger(url, namespace);
    await ledger.prepare();
    return ledger;
  }

  /** Runs a statement of a fault's own. */
  async query<Row extends object>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>(sql, parameters);
    return rows;
  }

  /** Rejects while the database is away. */
  async backlog(): Promise<Backlog> {
    const [row] = await this.query<{ outbox: number; open: number }>(`
      SELECT (SELECT count(*) FROM ${this.namespace}.outbox)::integer AS outbox,
        (SELECT count(*) FROM ${this.namespace}.deliveries
          WHERE state <> 'completed' AND state IN ('pending', 'processing', 'retrying'))::integer AS open`);
    return row ?? { outbox: 0, open: 0 };
  }

  /** How many are completed. */
  async completed(): Promise<number> {
    const [row] = await this.query<{ count: number }>(
      `SELECT count(*)::integer AS count FROM ${this.namespace}.deliveries WHERE state = 'completed'`,
    );
    return row?.count ?? 0;
  }

  /** The ids of messages that an agent has claimed and not settled. */
  async claimedBy(agentId: string): Promise<string[]> {
    const rows = await this.query<{ id: string }>(
      `SELECT message_id AS id FROM ${this.namespace}.deliveries WHERE agent_id = $1 AND state = 'processing'`,
      [agentId],
    );
    return rows.map(({ id }) => id);
  }

  /** When messages were completed, by this machine's clock in ms; those alone that are. */
  async completionTimes(messageIds: readonly string[]): Promise<number[]> {
    const rows = await this.query<{ at: Date }>(
      `SELECT min(at) AS at FROM ${this.schema}.completions WHERE message_id = ANY ($1) GROUP BY message_id`,
      [messageIds],
    );
    return rows.map(({ at }) => at.getTime());
  }

  /** Outbox entries that could not be published. */
  async refusedByBroker(): Promise<number> {
    const [row] = await this.query<{ count: number }>(
      `SELECT count(*)::integer AS count FROM ${this.namespace}.outbox WHERE last_error IS NOT NULL`,
    );
    return row?.count ?? 0;
  }

  /** How many of these messages an agent has completed. */
  async completionsBy(agentId: string, messageIds: readonly string[]): Promise<number> {
    const [row] = await this.query<{ count: number }>(
      `SELECT count(*)::integer AS count FROM ${this.schema}.completions WHERE agent_id = $1 AND message_id = ANY ($2)`,
      [agentId, messageIds],
    );
    return row?.count ?? 0;
  }

  /** From now on, notes who leases which outbox entry. */
  async auditLeases(): Promise<void> {
    await this.query(`
      BEGIN;
      SET LOCAL search_path TO ${this.schema};
      CREATE TABLE leases (message_id text COLLATE "C" NOT NULL, owner text NOT NULL);
      CREATE FUNCTION note_lease() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO ${this.schema}.leases VALUES (new.message_id, new.leased_by);
          RETURN NULL;
        END $$;
      CREATE TRIGGER leased AFTER UPDATE ON ${this.namespace}.outbox
        FOR EACH ROW WHEN (new.lease > old.lease) EXECUTE FUNCTION note_lease();
      COMMIT`);
  }

  /** How many entries each owner has leased. */
  async leasesByOwner(): Promise<Record<string, number>> {
    const rows = await this.query<{ owner: string; count: number }>(
      `SELECT owner, count(*)::integer AS count FROM ${this.schema}.leases GROUP BY owner`,
    );
    return Object.fromEntries(rows.map(({ owner, count }) => [owner, count]));
  }

  /** Numbers whose second attempt came sooner than so many ms after the first. */
  async earlyRetries(leastMs: number): Promise<number> {
    const [row] = await this.query<{ count: number }>(
      `SELECT count(*)::integer AS count FROM (SELECT max(at) - min(at) AS wait FROM ${this.schema}.attempts GROUP BY n) AS waits
       WHERE wait < $1 * interval '1 millisecond'`,
      [leastMs],
    );
    return row?.count ?? 0;
  }

  /**
   * Of the messages that were sent with a delay, in ms: how long after sending they were due, how long after that
   * handled, and how far the time of sending, by the sender, was from that of storing, by the database.
   */
  async delayed(): Promise<Record<'due' | 'handled', { least: number; most: number }> & { astray: number }> {
    const [row] = await this.query<Record<'leastDue' | 'mostDue' | 'leastHandled' | 'mostHandled' | 'astray', number>>(
      `SELECT min(due)::integer AS "leastDue", max(due)::integer AS "mostDue",
         floor(min(handled))::integer AS "leastHandled", max(handled)::integer AS "mostHandled",
         max(abs(astray))::integer AS astray
       FROM (
         SELECT extract(epoch FROM m.deliver_at - m.sent_at) * 1000 AS due,
           extract(epoch FROM c.at - m.deliver_at) * 1000 AS handled,
           extract(epoch FROM m.stored_at - m.sent_at) * 1000 AS astray
         FROM ${this.namespace}.messages m JOIN ${this.schema}.completions c USING (message_id)
         WHERE m.deliver_at IS NOT NULL
       ) AS waits`,
    );
    if (!row) throw new Error('no message was sent with a delay');
    return {
      due: { least: row.leastDue, most: row.mostDue },
      handled: { least: row.leastHandled, most: row.mostHandled },
      astray: row.astray,
    };
  }

  /** Of the numbers that were completed: how many later than so many ms after they were stored, and the latest, in ms. */
  async lateness(ms: number): Promise<{ late: number; worst: number }> {
    const [row] = await this.query<{ late: number; worst: number }>(
      `SELECT count(*) FILTER (WHERE wait > $1)::integer AS late, max(wait)::integer AS worst
       FROM (
         SELECT extract(epoch FROM c.at - m.stored_at) * 1000 AS wait
         FROM ${this.namespace}.messages m JOIN ${this.schema}.completions c USING (message_id)
         WHERE m.type LIKE 'numbered%'
       ) AS waits`,
      [ms],
    );
    return row ?? { late: 0, worst: 0 };
  }

  /** The codes of the errors of dead deliveries. */
  async deathCodes(): Promise<string[]> {
    const rows = await this.query<{ code: string }>(
      `SELECT error ->> 'code' AS code FROM ${this.namespace}.deliveries WHERE state = 'dead'`,
    );
    return rows.map(({ code }) => code);
  }

  async account(journals: JournalEntries): Promise<Account> {
    const rows = await this.query<LedgerRow>(`
      SELECT m.message_id AS "messageId", (m.body::json ->> 'n')::integer AS n,
        m.type = 'numbered_transactional' AS transactional, d.consumer, d.state
      FROM ${this.namespace}.messages m LEFT JOIN ${this.namespace}.deliveries d USING (message_id)
      WHERE m.type LIKE 'numbered%'`);
    const completions = await this.query<{ key: string; count: number }>(
      `SELECT message_id AS key, count(*)::integer AS count FROM ${this.schema}.completions GROUP BY message_id, consumer`,
    );
    return account({
      ...journals,
      rows,
      transactionalEffects: await this.effects('transactional_effects'),
      plainEffects: await this.effects('plain_effects'),
      completions: new Map(completions.map(({ key, count }) => [key, count])),
      consumer: CONSUMER,
    });
  }

  /** Drops both schemas. */
  async remove(): Promise<void> {
    await this.query(`DROP SCHEMA IF EXISTS ${this.schema}, ${this.namespace} CASCADE`);
    await this.close();
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private async effects(table: string): Promise<Map<number, number>> {
    const rows = await this.query<{ n: number; count: number }>(
      `SELECT n, count(*)::integer AS count FROM ${this.schema}.${table} GROUP BY n`,
    );
    return new Map(rows.map(({ n, count }) => [n, count]));
  }

  /**
   * No effects table has a unique constraint: what happens twice is to be seen. The audit takes down everything that
   * makes a delivery completed, and also what makes a completed one completed again.
   */
  private async prepare(): Promise<void> {
    await this.query(`
      BEGIN;
      CREATE SCHEMA ${this.schema};
      SET LOCAL search_path TO ${this.schema};
      CREATE TABLE plain_effects (n integer NOT NULL, agent_id text NOT NULL, at timestamptz DEFAULT clock_timestamp());
      CREATE TABLE transactional_effects (LIKE plain_effects INCLUDING DEFAULTS);
      CREATE TABLE attempts (n integer NOT NULL, at timestamptz DEFAULT clock_timestamp());
      CREATE INDEX ON attempts (n);
      CREATE TABLE completions (
        message_id text COLLATE "C" NOT NULL, consumer text NOT NULL, attempt integer NOT NULL, agent_id text,
        at timestamptz DEFAULT clock_timestamp()
      );
      CREATE INDEX ON completions (message_id);
      CREATE FUNCTION note_completion() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO ${this.schema}.completions (message_id, consumer, attempt, agent_id)
          VALUES (new.message_id, new.consumer, new.attempt, new.agent_id);
          RETURN NULL;
        END $$;
      CREATE TRIGGER completed_at_once AFTER INSERT ON ${this.namespace}.deliveries
        FOR EACH ROW WHEN (new.state = 'completed') EXECUTE FUNCTION note_completion();
      CREATE TRIGGER completed AFTER UPDATE ON ${this.namespace}.deliveries
        FOR EACH ROW WHEN (new.state = 'completed' AND old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_completion();
      COMMIT;
    `);
  }
}
