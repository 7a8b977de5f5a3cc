import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Flow, Kind, Sent } from './apps/customer.js';
import type { Change } from './apps/shop.js';
import { until } from '../support/index.js';
import { ask, Deployment, rowsOf } from './deployment.js';

const SHOP = 'dist/programs/test/shop.js';
const CUSTOMER = 'dist/programs/test/customer.js';
const SHOPS = ['shop-1', 'shop-2', 'shop-3'];
/** The long form, whose numbers docs/GUARANTEES.md has. */
const LONG = process.env['ROLLING_DEPLOY'] === 'long';
/** Messages a second. */
const RATE = LONG ? 300 : 100;
/** The fewest messages. */
const LEAST = LONG ? 20_000 : 2_000;
const START_MS = 60_000;

/** Each takes the place of the one before: every change is rolled out, and back. */
const RELEASES: readonly (readonly Change[])[] = LONG
  ? [
      ['type'],
      ['type', 'version'],
      ['version', 'topic'],
      ['topic', 'topic-removed'],
      ['topic-removed', 'field'],
      ['field', 'queue-type'],
      ['queue-type', 'field-removed'],
      ['field-removed', 'type', 'topic'],
      ['type', 'version', 'topic', 'topic-removed', 'queue-type'],
      [],
    ]
  : [['type', 'version', 'queue-type'], ['topic', 'topic-removed', 'field'], ['field-removed'], []];

/** What can be sent to instances of a release, sooner or later. */
function kindsOf(changes: readonly Change[]): Kind[] {
  const kinds: Kind[] = ['order', 'steady'];
  if (!changes.includes('topic-removed')) kinds.push('legacy');
  if (changes.includes('type')) kinds.push('refund');
  if (changes.includes('version')) kinds.push('order-2');
  if (changes.includes('topic')) kinds.push('fresh');
  if (changes.includes('field')) kinds.push('order-with-gift');
  return kinds;
}

describe('a rolling deploy under load', () => {
  const system = new Deployment();
  const running = new Set<Kind>();

  const release = async (id: string, changes: readonly Change[]): Promise<void> => {
    const env: Record<string, string> = changes.includes('queue-type') ? { RABBITMQ_QUEUE_TYPE: 'classic' } : {};
    await system.start(SHOP, id, env, [...changes]);
    await system.app(id).ready(START_MS);
  };
  const replace = async (id: string, changes: readonly Change[]): Promise<void> => {
    expect(await system.app(id).kill('SIGTERM')).toMatchObject({ signal: null });
    await release(id, changes);
  };
  const flow = async (): Promise<void> => {
    const order: Flow = { kinds: [...running], rate: running.size > 0 ? RATE : 0 };
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${system.app('customer').url}/flow`, {
      method: 'PUT',
      headers,
      body: JSON.stringify(order),
    });
    expect(response.status).toBe(200);
  };
  const begin = (kinds: readonly Kind[]): Promise<void> => {
    for (const kind of kinds) running.add(kind);
    return flow();
  };
  const end = (kinds: readonly Kind[]): Promise<void> => {
    for (const kind of kinds) running.delete(kind);
    return flow();
  };
  const told = async (): Promise<Sent> => (await ask(system.app('customer'), '/sent')).body as unknown as Sent;
  const sent = async (): Promise<number> => Object.values((await told()).accepted).flat().length;
  const count = async (sql: string): Promise<number> => {
    const [row] = await rowsOf<{ count: number }>(system, `SELECT count(*)::integer AS count FROM ${sql}`);
    return row?.count ?? NaN;
  };

  /**
   * New kinds are sent from the beginning; a topic's, which is owed from its first subscription on, once one instance has it.
   * What the release does not take any more is not sent any more when the last instance of the one before goes.
   */
  const rollOut = async (before: readonly Change[], changes: readonly Change[]): Promise<void> => {
    const kinds = kindsOf(changes);
    await begin(kinds.filter((kind) => kind !== 'fresh'));
    for (const [index, id] of SHOPS.entries()) {
      if (index === SHOPS.length - 1) await end(kindsOf(before).filter((kind) => !kinds.includes(kind)));
      await replace(id, changes);
      if (index === 0) await begin(kinds);
    }
  };

  beforeAll(async () => {
    await release('shop-1', []);
    await rowsOf(system, 'CREATE TABLE NS.effects (n integer NOT NULL, agent text NOT NULL)');
    await Promise.all(['shop-2', 'shop-3'].map((id) => release(id, [])));
    await system.start(CUSTOMER, 'customer');
    await system.app('customer').ready(START_MS);
  }, START_MS);

  afterAll(() => system.close(), 60_000);

  it('of several releases, with changes that come and go, loses nothing, and handles each message once', async () => {
    await begin(kindsOf([]));
    for (const [index, changes] of RELEASES.entries()) await rollOut(RELEASES[index - 1] ?? [], changes);
    await until(`${LEAST} messages to be sent`, async () => (await sent()) >= LEAST, 120_000, 500);
    await end([...running]);
    // what waits for a release that takes it is handled by one that does
    for (const id of SHOPS) await replace(id, ['type', 'version', 'topic']);
    const open = `NS.deliveries WHERE consumer = 'role.shop' AND state IN ('pending', 'processing', 'retrying')`;
    const nothingLeft = async (): Promise<boolean> => (await count(open)) === 0 && (await count('NS.outbox')) === 0;
    await until('all messages to be settled', nothingLeft, 60_000, 200).catch(() => undefined);

    const { accepted, refused } = await told();
    const numbers = Object.values(accepted).flat();
    const effects = new Map(
      (
        await rowsOf<{ n: number; count: number }>(
          system,
          'SELECT n, count(*)::integer AS count FROM NS.effects GROUP BY n',
        )
      ).map((row) => [row.n, row.count]),
    );
    const tally = {
      open: await count(open),
      refused: refused.length,
      lost: numbers.filter((n) => !effects.has(n)).length,
      dead: await count(
        `NS.deliveries d JOIN NS.messages m USING (message_id) WHERE NOT m.transient AND d.state IN ('dead', 'expired')`,
      ),
      unhandled: await count(
        `NS.messages m JOIN NS.deliveries d USING (message_id)
         LEFT JOIN NS.effects e ON e.n = coalesce(m.body::json ->> 'n', m.body::json ->> 'number')::integer
         WHERE d.consumer = 'role.shop' AND d.state = 'completed' AND e.n IS NULL`,
      ),
      twice: [...effects.values()].filter((times) => times > 1).length,
    };
    expect(tally).toEqual({ open: 0, refused: 0, lost: 0, dead: 0, unhandled: 0, twice: 0 });
  }, 400_000);
});
