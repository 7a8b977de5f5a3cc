import { describe, expect, it } from '@jest/globals';
import { Store } from 'agentmq/message-store';
import { SchemaTooNewError, StoreClosedError } from 'agentmq/database';
import { migrations } from 'agentmq/migrations';
import type { QueryRunner } from 'typeorm';
import { type Harness, newMessage } from './harness.js';

/** Migrations, namespaces, life. */
export function schema(of: () => Harness): void {
  describe('schema', () => {
    const namesOf = async (): Promise<string[]> => {
      const { store } = of();
      const rows = await store.database.transaction((transaction) =>
        transaction.query<{ name: string }>(`SELECT name FROM "${store.database.schema}".migrations ORDER BY id`),
      );
      return rows.map(({ name }) => name);
    };

    it('runs each migration once, however many start together, and again changes nothing', async () => {
      const { store, others } = of();
      await store.database.transaction((transaction) =>
        transaction.query(`DROP SCHEMA IF EXISTS "${store.database.schema}" CASCADE`),
      );
      await Promise.all(others.map((other) => other.database.migrate()));
      await store.database.migrate();
      expect(await namesOf()).toEqual(migrations.map((migration) => new migration().name));
    });

    it('keeps the data of a schema that is up to date', async () => {
      const { store } = of();
      const message = newMessage();
      await store.deliveries.record([message]);
      await store.database.migrate();
      expect(await store.history.find(message.messageId)).toBeDefined();
    });

    const withMigration = async (name: string, work: () => Promise<void>): Promise<void> => {
      const { store } = of();
      const change = (sql: string, parameters: unknown[]) =>
        store.database.transaction((transaction) => transaction.query(sql, parameters));
      const { schema } = store.database;
      await change(`INSERT INTO "${schema}".migrations (timestamp, name) VALUES (9999, $1)`, [name]);
      try {
        await work();
      } finally {
        await change(`DELETE FROM "${schema}".migrations WHERE name = $1`, [name]);
      }
    };

    it('goes on with a schema of a newer version that added to it', async () => {
      const { store } = of();
      const message = newMessage();
      await withMigration('AddsSomething0000000009999', async () => {
        await store.database.migrate();
        await store.deliveries.record([message]);
        expect(await store.history.find(message.messageId)).toBeDefined();
      });
      expect(await namesOf()).toEqual(migrations.map((migration) => new migration().name));
    });

    it('goes on with a breaking migration that needs no more than it knows', async () => {
      await withMigration('DropsWhatIsUnused_Needs0001_0000000009999', () => of().store.database.migrate());
    });

    it('refuses a schema with a breaking migration that needs a newer version', async () => {
      const name = 'DropsSomething_Needs9999_0000000009999';
      await withMigration(name, async () => {
        await expect(of().store.database.migrate()).rejects.toThrow(SchemaTooNewError);
        await expect(of().store.database.migrate()).rejects.toMatchObject({ code: 'SCHEMA_TOO_NEW', migration: name });
      });
      await of().store.database.migrate();
    });

    it('is only added to, so that instances of the version before can work with it', async () => {
      for (const migration of migrations.map((Migration) => new Migration())) {
        const statements: string[] = [];
        const query = (sql: string): Promise<void> => Promise.resolve(void statements.push(sql));
        await migration.up({ query } as unknown as QueryRunner);
        const removing = statements.filter((sql) => /\b(?:DROP|RENAME|SET NOT NULL|TYPE|ADD CONSTRAINT)\b/.test(sql));
        const filling = statements.filter((sql) =>
          /ADD COLUMN(?:(?!DEFAULT)[^,])*NOT NULL(?:(?!DEFAULT)[^,])*(?:,|$)/.test(sql),
        );
        // a migration that takes something away says so in its name: see migrations/index.ts
        if (!/_Needs\d+_/.test(migration.name)) expect([...removing, ...filling]).toEqual([]);
      }
    });

    it('goes down to nothing and up again', async () => {
      const { store } = of();
      await store.database.transaction(async (transaction) => {
        const { queryRunner } = transaction.manager;
        if (!queryRunner) throw new Error('not in a transaction');
        await transaction.query(`SET LOCAL search_path TO "${store.database.schema}"`);
        for (const migration of [...migrations].reverse()) await new migration().down(queryRunner);
        const left = await transaction.query('SELECT tablename FROM pg_tables WHERE schemaname = $1', [
          store.database.schema,
        ]);
        expect(left).toEqual([{ tablename: 'migrations' }]);
        await transaction.query('DELETE FROM migrations');
      });
      await store.database.migrate();
      expect((await store.history.counts()).messages).toBe(0);
    });

    it('has the indexes that its queries name, and no more', async () => {
      const { store } = of();
      const rows = await store.database.transaction((transaction) =>
        transaction.query<{ name: string }>(
          `SELECT indexname AS name FROM pg_indexes WHERE schemaname = $1 AND tablename <> 'migrations' ORDER BY 1`,
          [store.database.schema],
        ),
      );
      expect(rows.map(({ name }) => name)).toEqual([
        'agent_conditions_pkey',
        'agent_stops_pkey',
        'agents_pkey',
        'asked_tasks_pkey',
        'asked_tasks_untold',
        'audit_of_target',
        'audit_pkey',
        'deliveries_by_agent',
        'deliveries_completed',
        'deliveries_dead',
        'deliveries_not_completed',
        'deliveries_open',
        'deliveries_pkey',
        'deliveries_unhandled',
        'election_votes_pkey',
        'ended_subscriptions_pkey',
        'hops_by_message',
        'hops_by_trace',
        'hops_pkey',
        'leaderships_pkey',
        'message_keys_by_value',
        'message_keys_pkey',
        'messages_by_correlation',
        'messages_by_time',
        'messages_by_trace',
        'messages_by_type',
        'messages_of_correlation',
        'messages_of_sender',
        'messages_of_trace',
        'messages_of_type',
        'messages_pkey',
        'outbox_by_message',
        'outbox_by_owner',
        'outbox_due',
        'outbox_pkey',
        'outbox_refused',
        'outbox_unscheduled',
        'pauses_pkey',
        'proposals_by_outcome',
        'proposals_open',
        'proposals_pkey',
        'subscriptions_pkey',
        'task_types_pkey',
        'tasks_assigned',
        'tasks_children',
        'tasks_created',
        'tasks_deadline',
        'tasks_finished',
        'tasks_idempotency',
        'tasks_in_vain',
        'tasks_lanes',
        'tasks_of_agent',
        'tasks_of_type',
        'tasks_pkey',
        'tasks_queued',
        'tasks_running',
        'tasks_runs',
        'votes_counted',
        'votes_pkey',
      ]);
    });

    it('names its schema after the namespace', () => {
      const schemaOf = (namespace: string) => Store.embedded({ namespace }).database.schema;
      expect(schemaOf('team-a.prod')).toBe('team_a_prod');
      for (const bad of ['', 'A', '1a', 'a"b', 'x'.repeat(64), 'pg_x']) {
        expect(() => schemaOf(bad)).toThrow(expect.objectContaining({ code: 'INVALID_NAMESPACE' }));
      }
    });

    it('answers pings, closes twice, and is closed', async () => {
      await of().store.database.ping();
      const store = Store.connect({ url: 'postgres://nowhere:1/x' });
      await store.database.close();
      await store.database.close();
      await expect(store.database.ping()).rejects.toThrow(StoreClosedError);
      await expect(store.database.transaction(() => Promise.resolve())).rejects.toThrow(StoreClosedError);
    });
  });
}
