import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Store } from 'agentmq/message-store';
import pg from 'pg';
import { databaseUrl, PgBouncer, randomNamespace } from '../../support/index.js';
import { boom, claimed, claimOf, dropSchema, newMessage, newMessages, refOf, WORKER } from './harness.js';

const INSTALLATION_MS = 120_000;

/** A database of the test's own, whose sessions begin with these settings. */
class OddDatabase {
  readonly name = randomNamespace('odd').replaceAll('-', '_');
  private readonly admin = new pg.Client({ connectionString: databaseUrl() });

  get url(): string {
    return databaseUrl().replace(/\/[^/?]*(\?|$)/, `/${this.name}$1`);
  }

  async create(settings: Readonly<Record<string, string>>): Promise<void> {
    await this.admin.connect();
    await this.admin.query(`CREATE DATABASE ${this.name}`);
    for (const [setting, value] of Object.entries(settings)) {
      await this.admin.query(`ALTER DATABASE ${this.name} SET ${setting} = '${value}'`);
    }
  }

  async drop(): Promise<void> {
    await this.admin.query(`DROP DATABASE ${this.name} WITH (FORCE)`);
    await this.admin.end();
  }
}

/** Sends, claims, completes, fails and reads, by all that may go wrong in a session that is another than it seems. */
async function works(store: Store): Promise<void> {
  await store.database.migrate();
  await store.database.ping();
  const whole = newMessage({
    deliverAt: new Date('2026-03-04T05:06:07.089Z'),
    expiresAt: new Date(Date.now() + 60_000),
    timestamp: new Date('2026-01-02T03:04:05.678Z'),
    headers: { odd: String.raw`\x '"\\` },
  });
  // without any of the optional fields: arrays with NULL
  const bare = newMessages(20);
  await store.outbox.settle(await store.outbox.append([whole, ...bare], { owner: 'o', leaseMs: 60_000 }));
  expect((await store.history.find(whole.messageId))?.message).toEqual(whole);
  expect((await store.history.find(bare[0]?.messageId ?? ''))?.message).toEqual(bare[0]);
  expect(
    await store.deliveries.claim(
      bare.map((message) => claimOf(message)),
      'a',
      60_000,
    ),
  ).toEqual(bare.map(() => claimed(1)));
  const [first, second, third] = bare.map((message) => refOf(message));
  if (!first || !second || !third) throw new Error('three messages');
  expect(await store.deliveries.complete([first])).toEqual([true]);
  const error = { ...boom, details: { weight: 0.1 + 0.2 } };
  expect(await store.deliveries.fail([{ ...second, state: 'retrying', retryInMs: 0, error }])).toEqual([true]);
  expect((await store.history.find(second.messageId))?.deliveries[0]).toMatchObject({ history: [{ error }] });
  expect(await store.outbox.leaseDue('relay', 10, 60_000)).toMatchObject([{ consumer: WORKER }]);
  // transactions at once, each of several statements: more than a pooler has sessions
  const written = await Promise.all(
    Array.from({ length: 12 }, async (_, n) =>
      store.database.transaction(async (transaction) => {
        await transaction.query('SELECT 1');
        const [row] = await transaction.query<{ n: number }>('SELECT $1::int AS n', [n]);
        await store.outbox.append([newMessage()], { owner: 'o', transaction });
        return row?.n;
      }),
    ),
  );
  expect(written).toEqual(written.map((_, n) => n));
  expect(await store.database.transaction((transaction) => store.deliveries.complete([third], transaction))).toEqual([
    true,
  ]);
  const agent = { id: 'a-1', role: 'a', capabilities: [], instance: 'i', version: '1', concurrency: 1, handles: [] };
  const { registeredAt } = await store.agents.register(agent);
  expect(Math.abs(registeredAt.getTime() - (await store.database.now()).getTime())).toBeLessThan(60_000);
  const beat = { ...agent, sequence: 1, load: 0.1 + 0.2, inFlight: 0, circuits: [] };
  expect(await store.agents.heartbeat(beat)).toBe('recorded');
  expect((await store.agents.read()).agents).toMatchObject([{ load: 0.1 + 0.2 }]);
}

describe('sessions of PostgreSQL', () => {
  describe('that begin with other settings than usual', () => {
    const odd = new OddDatabase();

    beforeAll(() =>
      odd.create({
        DateStyle: 'German',
        IntervalStyle: 'sql_standard',
        TimeZone: 'Asia/Kathmandu',
        standard_conforming_strings: 'off',
        array_nulls: 'off',
        bytea_output: 'escape',
        client_encoding: 'LATIN1',
        search_path: 'nowhere',
        default_transaction_isolation: 'serializable',
        default_transaction_deferrable: 'on',
        extra_float_digits: '-10',
        transform_null_equals: 'on',
        row_security: 'off',
        plan_cache_mode: 'force_generic_plan',
      }),
    );
    afterAll(() => odd.drop());

    it('are made what the store needs', async () => {
      const store = Store.connect({ url: odd.url, namespace: 'odd' });
      await works(store);
      await store.database.close();
    });

    it(
      'are refused with a sentence where that can not be done: behind a pooler',
      async () => {
        const bouncer = await PgBouncer.start(odd.url);
        const store = Store.connect({ url: bouncer.url, namespace: 'odd' });
        await expect(store.database.ping()).rejects.toThrow(
          `the database's setting array_nulls is "off", but AgentMQ needs "on", and behind a pooler it can't set that ` +
            `itself: ALTER ROLE ... SET array_nulls = 'on'`,
        );
        await store.database.close();
        await bouncer.stop();
      },
      INSTALLATION_MS,
    );

    it('that take no writes are told from those that do', async () => {
      const url = `${odd.url}?options=${encodeURIComponent('-c default_transaction_read_only=on')}`;
      const store = Store.connect({ url, namespace: 'odd' });
      await expect(store.database.ping()).rejects.toThrow(/takes no writes/);
      await store.database.close();
    });
  });

  describe('of PgBouncer in transaction mode', () => {
    const odd = new OddDatabase();
    let bouncer: PgBouncer;
    let store: Store;

    beforeAll(async () => {
      await odd.create({ DateStyle: 'German', standard_conforming_strings: 'off' });
      bouncer = await PgBouncer.start(odd.url);
      store = Store.connect({ url: bouncer.url, namespace: 'pooled' });
    }, INSTALLATION_MS);
    afterAll(async () => {
      await dropSchema(store);
      await store.database.close();
      await bouncer.stop();
      await odd.drop();
    });

    it('serve the store as any other', async () => {
      await works(store);
    });

    it('are left as they were', async () => {
      const url = new URL(bouncer.url);
      const neighbour = new pg.Client({ connectionString: url.href });
      await neighbour.connect();
      const { rows } = await neighbour.query(
        `SELECT current_setting('jit') AS jit, current_setting('statement_timeout') AS timeout,
          current_setting('DateStyle') AS style`,
      );
      expect(rows).toEqual([{ jit: 'on', timeout: '0', style: 'German, DMY' }]);
      await neighbour.end();
    });

    it('that break off are replaced', async () => {
      const broken = store.database.transaction(async (transaction) => {
        await transaction.query('SELECT pg_terminate_backend(pg_backend_pid())');
      });
      await expect(broken).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await store.database.ping();
    });
  });
});
