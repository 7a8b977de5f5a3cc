import { createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Store } from 'agentmq/message-store';
import { RefusedDataError, StoreUnavailableError, type Transaction, prepared } from 'agentmq/database';
import { Indexes, migrations } from 'agentmq/migrations';
import { AgentMQError } from 'agentmq/protocol';
import { databaseUrl, freePort, randomNamespace, TcpProxy, until } from '../../support/index.js';
import { claimed, claimOf, dropSchema, newMessage, newMessages, refOf } from './harness.js';
import { messageStoreSuite } from './suite.js';

const namespace = randomNamespace('store');
const open = (url = databaseUrl()) =>
  Store.connect({ url, namespace, applicationName: namespace, poolSize: 4, connectTimeoutMs: 2000 });
const stores = Array.from({ length: 8 }, () => open());
const [store, otherStore] = stores as [Store, Store];

/** Sessions of this file's stores, seen from outside. */
async function sessions(): Promise<number> {
  const observer = Store.connect({ url: databaseUrl(), poolSize: 1 });
  try {
    const rows = await observer.database.transaction((transaction) =>
      transaction.query<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [namespace]),
    );
    return rows.length;
  } finally {
    await observer.database.close();
  }
}

async function terminateSessions(): Promise<void> {
  const killer = Store.connect({ url: databaseUrl(), poolSize: 1 });
  await killer.database.transaction((transaction) =>
    transaction.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      namespace,
    ]),
  );
  await killer.database.close();
}

const answers = (asked: Store): Promise<boolean> =>
  asked.database.ping().then(
    () => true,
    () => false,
  );

async function proxied(): Promise<TcpProxy> {
  const { hostname, port } = new URL(databaseUrl());
  return TcpProxy.listen({ host: hostname, port: Number(port || 5432) });
}

describe('the stores on PostgreSQL', () => {
  beforeAll(() => store.database.migrate());

  afterAll(async () => {
    await dropSchema(store);
    await Promise.all(stores.map((each) => each.database.close()));
    await until('every connection closed', async () => (await sessions()) === 0);
  });

  messageStoreSuite(() => ({ store, others: stores }));

  it('lets one process at a time look for what has expired', async () => {
    const message = newMessage({ ttl: 1, expiresAt: new Date(Date.now() - 1000) });
    await store.outbox.settle(await store.outbox.append([message], { owner: 'o', leaseMs: 60_000 }));
    await stores[1]?.database.transaction(async (transaction) => {
      await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `agentmq.expire.${store.database.schema}`,
      ]);
      expect(await store.retention.expire(10)).toBe(0);
    });
    expect(await store.retention.expire(10)).toBe(1);
  });

  it('migrates around a transaction that goes on for long, and holds nothing up meanwhile', async () => {
    const [old, other] = stores.slice(1) as [Store, Store];
    const before = randomNamespace('upgrade');
    const upgraded = Store.connect({ url: databaseUrl(), namespace: before, poolSize: 3 });
    // one that changes the table deliveries
    const undone = migrations.map((Migration) => new Migration()).find(({ name }) => name.startsWith('HandlersAnd'));
    const table = (name: string) => `"${upgraded.database.schema}".${name}`;
    try {
      await upgraded.database.migrate();
      await upgraded.database.transaction(async (transaction) => {
        await transaction.query(`SET LOCAL search_path TO "${upgraded.database.schema}"`);
        const { queryRunner } = transaction.manager;
        if (!undone || !queryRunner) throw new Error('there is no such migration, or no transaction');
        await undone.down(queryRunner);
        await transaction.query(`DELETE FROM migrations WHERE name = $1`, [undone.name]);
      });
      const migrated = await old.database.transaction(async (handler) => {
        await handler.query(`LOCK TABLE ${table('deliveries')} IN ROW EXCLUSIVE MODE`);
        const migration = upgraded.database.migrate();
        await until('the migration waits for the table', async () => {
          const [waits] = await store.database.transaction((transaction) =>
            transaction.query<{ waits: boolean }>(
              `SELECT EXISTS (SELECT FROM pg_locks WHERE relation = $1::regclass AND NOT granted) AS waits`,
              [table('deliveries')],
            ),
          );
          return waits?.waits === true;
        });
        await other.database.transaction((waiting) => waiting.query(`SELECT count(*) FROM ${table('deliveries')}`));
        return { migration };
      });
      await migrated.migration;
    } finally {
      await dropSchema(upgraded);
      await upgraded.database.close();
    }
  });

  describe('indexes of an upgrade', () => {
    const before = randomNamespace('upgrade');
    const connect = (statementTimeoutMs: number) =>
      Store.connect({ url: databaseUrl(), namespace: before, poolSize: 3, statementTimeoutMs });
    // a build of theirs takes longer than a statement may
    const upgraded = [connect(100), connect(100)] as const;
    const old = connect(30_000);
    const { schema } = old.database;

    beforeEach(async () => {
      await old.database.migrate();
      await old.database.transaction(async (transaction) => {
        await transaction.query(`SET LOCAL search_path TO "${schema}"`);
        const { queryRunner } = transaction.manager;
        if (!queryRunner) throw new Error('no transaction');
        await new Indexes().down(queryRunner);
        await transaction.query('DELETE FROM migrations WHERE name = $1', [new Indexes().name]);
      });
    });

    afterAll(async () => {
      await dropSchema(old);
      await Promise.all([old, ...upgraded].map((each) => each.database.close()));
    });

    /** The build that waits for the transaction of a handler, once it has done so for longer than a statement may. */
    const building = async (): Promise<number> => {
      let pid: number | undefined;
      await until('a build waits for the handler', async () => {
        const [found] = await store.database.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity
           WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' || $1 || '%' AND wait_event = 'virtualxid'
             AND query_start < clock_timestamp() - interval '300 ms'`,
          [schema],
        );
        pid = found?.pid;
        return pid !== undefined;
      });
      return pid as number;
    };
    const indexesNotBuilt = async (): Promise<readonly string[]> => {
      const names = new Indexes().indexes('').map(({ name }) => name);
      const rows = await store.database.query<{ name: string }>(
        `SELECT relname AS name FROM pg_class JOIN pg_index ON indexrelid = oid JOIN pg_namespace n ON n.oid = relnamespace
         WHERE nspname = $1 AND indisvalid AND relname = ANY ($2)`,
        [schema, names],
      );
      expect(rows.length).toBeLessThanOrEqual(names.length);
      return names.filter((name) => !rows.some((row) => row.name === name));
    };
    const handling = <T>(work: (handler: Transaction) => Promise<T>): Promise<T> =>
      old.database.transaction(async (handler) => {
        await handler.query(`LOCK TABLE "${schema}".deliveries, "${schema}".messages IN ROW EXCLUSIVE MODE`);
        return work(handler);
      });

    it('are built beside older instances, which go on, however long it takes', async () => {
      const { migrated } = await handling(async () => {
        const migrated = Promise.all(upgraded.map(({ database }) => database.migrate()));
        await Promise.race([building(), migrated]);
        const message = newMessage();
        await old.deliveries.record([message]);
        expect(await old.deliveries.claim([claimOf(message)], 'a', 60_000)).toEqual([claimed(1)]);
        return { migrated };
      });
      await migrated;
      expect(await indexesNotBuilt()).toEqual([]);
      const rows = await store.database.query(`SELECT FROM "${schema}".migrations`);
      expect(rows).toHaveLength(migrations.length);
    });

    it('are built anew after a build was cancelled, which is told and not tried again for ever', async () => {
      await handling(async () => {
        const failure = upgraded[0].database.migrate().catch((error: unknown) => error);
        await store.database.query('SELECT pg_cancel_backend($1)', [await building()]);
        expect(await failure).toMatchObject({ sqlState: '57014', retryable: false });
      });
      expect(await indexesNotBuilt()).not.toEqual([]);
      await upgraded[1].database.migrate();
      expect(await indexesNotBuilt()).toEqual([]);
    });

    it('are waited for by the next instance where the one that began them has ended', async () => {
      const ended = connect(30_000);
      await handling(async () => {
        const failure = ended.database.migrate().catch((error: unknown) => error);
        await building();
        await ended.database.close();
        expect(await failure).toBeInstanceOf(AgentMQError);
      });
      await upgraded[0].database.migrate();
      expect(await indexesNotBuilt()).toEqual([]);
    });

    it('are not taken for built where a build that had yet to begin has broken off', async () => {
      const ended = connect(30_000);
      const untilBuildsWait = (count: number) =>
        until(`${count} builds wait for the table`, async () => {
          const rows = await store.database.query(
            `SELECT FROM pg_stat_activity
             WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' || $1 || '%' AND wait_event = 'relation'`,
            [schema],
          );
          return rows.length === count;
        });
      const { second } = await handling(async () => {
        const { second } = await otherStore.database.transaction(async (vacuum) => {
          await vacuum.query(`LOCK TABLE "${schema}".deliveries, "${schema}".messages IN SHARE UPDATE EXCLUSIVE MODE`);
          const failure = ended.database.migrate().catch((error: unknown) => error);
          await untilBuildsWait(1);
          await ended.database.close();
          expect(await failure).toBeInstanceOf(AgentMQError);
          const second = upgraded[0].database.migrate().catch((error: unknown) => error);
          await untilBuildsWait(2);
          return { second };
        });
        await store.database.query('SELECT pg_cancel_backend($1)', [await building()]);
        return { second };
      });
      expect(await second).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
      await upgraded[0].database.migrate();
      expect(await indexesNotBuilt()).toEqual([]);
    });
  });

  describe('statements that sessions keep prepared', () => {
    const namespace = randomNamespace('prepared');
    const single = Store.connect({ url: databaseUrl(), namespace, poolSize: 1 });
    const { database, outbox, deliveries } = single;
    const settleOne = async (): Promise<void> => {
      const message = newMessage();
      await outbox.settle(await outbox.append([message], { owner: 'o', leaseMs: 60_000 }));
      expect(await deliveries.claim([claimOf(message)], 'a', 60_000)).toEqual([claimed(1)]);
      expect(await deliveries.complete([refOf(message)])).toEqual([true]);
    };

    beforeAll(() => database.migrate());
    afterAll(async () => {
      await dropSchema(single);
      await database.close();
    });

    it('read by index though they were planned while the tables were known to be empty', async () => {
      const tables = ['messages', 'deliveries', 'outbox'].map((table) => `"${database.schema}".${table}`);
      // autovacuum, where it comes in between, has the statements planned anew
      for (const table of tables) await database.query(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`);
      await database.query(`ANALYZE ${tables.join(', ')}`);
      await settleOne();
      await database.transaction(async (transaction) => {
        await transaction.query('SET LOCAL plan_cache_mode = force_generic_plan');
        for (const [name, parameters] of Object.entries({ settle: 2, claim: 11, complete: 3 })) {
          const nulls = Array.from({ length: parameters }, () => 'NULL').join(', ');
          const plan = await transaction.query(`EXPLAIN EXECUTE ${name} (${nulls})`);
          expect(JSON.stringify(plan)).toMatch(/Index Scan using/);
          expect(JSON.stringify(plan)).not.toMatch(/Seq Scan/);
        }
      });
    });

    it('count what waits without reading what is to be delivered later', async () => {
      const table = `"${database.schema}".outbox`;
      const later = newMessages(2_000, { deliverAt: new Date(Date.now() + 3_600_000) });
      await outbox.append(newMessages(3), { owner: 'o' });
      await outbox.append(newMessages(3), { owner: 'o', leaseMs: 60_000 });
      await outbox.append(later, { owner: 'o' });
      await database.query(`ANALYZE ${table}`);
      const read = async (): Promise<number> => {
        await database.query('SELECT pg_stat_force_next_flush()');
        const [row] = await database.query<{ read: number }>(
          `SELECT (seq_tup_read + idx_tup_fetch)::float8 AS read FROM pg_stat_user_tables WHERE relid = $1::regclass`,
          [table],
        );
        return row?.read ?? Infinity;
      };
      const before = await read();
      expect(await outbox.size(100_000)).toBe(6);
      expect(await outbox.stuck(0)).toMatchObject({ entries: 3 });
      expect(await outbox.stuckSenders(0)).toMatchObject([{ entries: 3 }]);
      expect((await single.history.figures([], true)).entries).toBe(6);
      expect((await read()) - before).toBeLessThan(100);
      await database.query(`DELETE FROM ${table}`);
    });

    it("leave the session's settings as they were", async () => {
      await settleOne();
      const rows = await database.query(
        `SELECT name, setting FROM pg_settings
        WHERE name IN ('enable_seqscan', 'plan_cache_mode', 'synchronous_commit') ORDER BY name`,
      );
      expect(rows).toEqual([
        { name: 'enable_seqscan', setting: 'on' },
        { name: 'plan_cache_mode', setting: 'auto' },
        { name: 'synchronous_commit', setting: 'on' },
      ]);
    });

    it('are prepared again when a caller has removed them, or one of them failed', async () => {
      await settleOne();
      await database.query('DEALLOCATE ALL');
      await settleOne();
      const endless = outbox.append([newMessage()], { owner: 'o', leaseMs: Number.MAX_VALUE });
      await expect(endless).rejects.toThrow(RefusedDataError);
      await settleOne();
    });

    it('are prepared again when a migration has changed what they return', async () => {
      const table = `"${database.schema}".returned`;
      const statement = prepared('returned', `SELECT n FROM ${table}`);
      await database.query(`CREATE TABLE ${table} AS SELECT 1::integer AS n`);
      expect(await database.ownQuery(statement)).toEqual([{ n: 1 }]);
      await database.query(`ALTER TABLE ${table} ALTER n TYPE text`);
      expect(await database.ownQuery(statement)).toEqual([{ n: '1' }]);
      await database.query(`DROP TABLE ${table}`);
    });
  });

  describe('when the database is away', () => {
    it('rejects with a retryable error that has its cause', async () => {
      const unreachable = open(`postgres://postgres@127.0.0.1:${await freePort()}/postgres`);
      for (const call of [
        () => unreachable.database.migrate(),
        () => unreachable.database.ping(),
        () => unreachable.outbox.append([newMessage()], { owner: 'o', leaseMs: 1 }),
        () => unreachable.history.find('x'),
        () => unreachable.database.transaction(() => Promise.resolve()),
      ]) {
        const error = await call().catch((failure: unknown) => failure);
        expect(error).toBeInstanceOf(StoreUnavailableError);
        expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true, cause: { code: 'ECONNREFUSED' } });
      }
      await unreachable.database.close();
    });

    it('tells a database that does not let it in from an outage: waiting does not help', async () => {
      const nowhere = open(databaseUrl().replace(/\/[^/]*$/, '/no_such_database'));
      const error = await nowhere.database.ping().catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(StoreUnavailableError);
      expect(error).toMatchObject({ code: 'STORE_ACCESS', retryable: false, cause: { code: '3D000' } });
      await nowhere.database.close();
    });

    it('takes whatever else a server says to a new connection for an outage', async () => {
      const says = ['SFATAL', 'CXX000', 'Mcould not write init file', ''].map((field) => `${field}\0`).join('');
      const length = Buffer.alloc(4);
      length.writeInt32BE(says.length + 4);
      const full = createServer((socket) =>
        socket.once('data', () => socket.end(Buffer.concat([Buffer.from('E'), length, Buffer.from(says)]))),
      );
      const port = await freePort();
      await new Promise<void>((resolve) => full.listen(port, '127.0.0.1', resolve));
      const refused = open(`postgres://postgres@127.0.0.1:${port}/postgres`);
      for (const call of [
        () => refused.database.ping(),
        () => refused.database.migrate(),
        () => refused.database.transaction(async () => {}),
      ]) {
        await expect(call()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
      }
      await refused.database.close();
      full.close();
    });

    it('gives up waiting for a connection', async () => {
      const small = Store.connect({ url: databaseUrl(), namespace, poolSize: 1, connectTimeoutMs: 50 });
      await small.database.transaction(async () => {
        await expect(small.database.ping()).rejects.toThrow(StoreUnavailableError);
      });
      await small.database.ping();
      await small.database.close();
    });

    it('gives up a statement that takes too long', async () => {
      const hasty = Store.connect({ url: databaseUrl(), namespace, statementTimeoutMs: 50 });
      await store.database.transaction(async (transaction) => {
        await transaction.query(`LOCK TABLE "${store.database.schema}".messages`);
        await expect(hasty.deliveries.record([newMessage()])).rejects.toThrow(StoreUnavailableError);
      });
      const slow = hasty.database.transaction((transaction) => transaction.query('SELECT pg_sleep(10)'));
      await expect(slow).rejects.toMatchObject({ code: '57014' });
      await hasty.database.ping();
      await hasty.database.close();
    });

    it('comes back by itself after its sessions were terminated, idle or in a transaction', async () => {
      const message = newMessage();
      await store.deliveries.record([message]);
      await Promise.all(Array.from({ length: 4 }, () => store.database.ping()));
      const broken = store.database.transaction(async (transaction) => {
        await store.outbox.append([newMessage({ messageId: `${message.messageId}-x` })], {
          owner: 'o',
          leaseMs: 1,
          transaction,
        });
        await terminateSessions();
        await transaction.query('SELECT 1');
      });
      await expect(broken).rejects.toThrow(StoreUnavailableError);
      await until('the store is back', () => answers(store));
      expect(await store.history.find(`${message.messageId}-x`)).toBeUndefined();
      expect(await store.deliveries.claim([claimOf(message)], 'a', 1000)).toEqual([claimed(1)]);
    });

    it('tells an outage also to who asks the manager, at once and later, and to who asks nothing more', async () => {
      for (const last of ['manager', 'query', 'nothing'] as const) {
        const broken = store.database.transaction(async (transaction) => {
          await transaction.query('SELECT 1');
          await terminateSessions();
          await until('it is noticed', () => !transaction.isOpen);
          if (last === 'manager') await transaction.manager.query('SELECT 1');
          if (last === 'query') await transaction.query('SELECT 1');
        });
        await expect(broken).rejects.toThrow(StoreUnavailableError);
        await until('the store is back', () => answers(store));
      }
    });

    it('comes back by itself after connections were cut, and when the database was down at the start', async () => {
      const proxy = await proxied();
      const cut = open(proxy.through(databaseUrl()));
      proxy.refuse();
      await expect(cut.database.migrate()).rejects.toThrow(StoreUnavailableError);
      await proxy.accept();
      await cut.database.migrate();
      proxy.cut();
      await until('the store is back', () => answers(cut));
      await cut.database.migrate();
      await cut.database.close();
      await proxy.close();
    });

    it('ends a connection over which nothing comes any more, and those that were open beside it', async () => {
      const proxy = await proxied();
      const url = proxy.through(databaseUrl());
      const half = Store.connect({ url, namespace, statementTimeoutMs: 100, connectTimeoutMs: 500 });
      await Promise.all(Array.from({ length: 4 }, () => half.database.ping()));
      const begun = performance.now();
      const work = half.database.transaction(async (transaction) => {
        await transaction.query('SELECT 1');
        proxy.freezeOpen();
        await transaction.query('SELECT 2');
      });
      await expect(work).rejects.toThrow(StoreUnavailableError);
      // 5.1 s for the statement, and none for a rollback behind it or for the idle connections that are dead too
      await half.database.ping();
      await half.database.transaction((transaction) => transaction.query('SELECT 1'));
      expect(performance.now() - begun).toBeLessThan(8_000);
      await half.database.close();
      await proxy.close();
    });

    it('closes in time though nothing comes any more', async () => {
      const proxy = await proxied();
      const url = proxy.through(databaseUrl());
      const half = Store.connect({ url, namespace });
      let closed: Promise<void> | undefined;
      const lost = half.database.transaction(async (transaction) => {
        await transaction.query('SELECT 1');
        proxy.freeze();
        const answer = transaction.query('SELECT 2');
        closed = half.database.close();
        await answer;
      });
      await expect(lost).rejects.toThrow(StoreUnavailableError);
      await closed;
      await proxy.close();
    });
  });
});
