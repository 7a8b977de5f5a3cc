import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseUrl, type OwnBroker, TcpProxy, testBus, until } from '../support/index.js';
import { ask, Deployment, rowsOf } from './deployment.js';
import { Marker } from './marker.js';
import { Operator, send } from './operator.js';

const KEEPER = 'dist/programs/test/keeper.js';
const START_MS = 120_000;
const TEST_MS = 180_000;

type Ids = Readonly<Record<string, string>>;

/**
 * The same is done with a text in sensitive contracts and with another one in contracts that are not: the search finds that one. With
 * TEST_BUS=redis over Redis, with SHOW_SEARCH=1 it tells what it has found.
 */
describe('a text in a sensitive payload', () => {
  const system = new Deployment();
  const folder = mkdtempSync(join(tmpdir(), 'agentmq-e2e-sealed-'));
  const operator = new Operator(system, folder, 'm1');
  const secret = new Marker(`Geheimnis${randomBytes(12).toString('hex')}`);
  const control = new Marker(`Kontrolle${randomBytes(12).toString('hex')}`);
  const places = new Map<string, Buffer>();
  let server: OwnBroker;
  let broker: TcpProxy;
  let database: TcpProxy;

  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const bytesOf = (recorded: readonly (readonly Buffer[])[]): Buffer =>
    Buffer.concat(recorded.map((chunks) => Buffer.concat(chunks)));

  beforeAll(async () => {
    server = await testBus.start();
    broker = await TcpProxy.listen({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
    const { hostname, port } = new URL(databaseUrl());
    database = await TcpProxy.listen({ host: hostname, port: Number(port || 5432) });
    broker.recording();
    database.recording();
    const env = {
      ...testBus.environment(broker.through(server.url)),
      DATABASE_URL: database.through(databaseUrl()),
      LOG_LEVEL: 'debug',
      COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
      COORDINATION_ELECTION_TIMEOUT: '0.4',
    };
    const keys = { SEALING_KEYS: `test-key:${randomBytes(32).toString('base64')}` };
    // the coordinator and the monitor have no keys: they open nothing
    const apps = await Promise.all([
      system.start(KEEPER, 'k1', { ...env, ...keys }),
      system.start('coordinator', 'c1', env),
      system.start('monitor', 'm1', env),
    ]);
    await Promise.all(apps.map((app) => app.ready(START_MS)));
  }, START_MS + 10_000);

  afterAll(async () => {
    await system.close();
    await operator.close();
    await Promise.all([broker?.close(), database?.close(), server?.stop()]);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }, 60_000);

  const play = async (marker: Marker, way: string): Promise<Ids> => {
    const { status, body } = await send(system.app('k1'), '/script', { text: marker.text, way });
    expect({ status, body }).toMatchObject({ status: 201 });
    return body as Ids;
  };
  const heard = async ({ text }: Marker) =>
    (await send(system.app('k1'), '/script/heard', { text, way: 'sealed' })).body;

  /** As an operator does, by HTTP and by `agentmq`. */
  const operate = async (ids: Ids): Promise<{ http: unknown[]; cli: unknown[] }> => {
    const { taken = '', dead = '' } = ids;
    await operator.delivery(dead, 'role.keeper', 'dead');
    await operator.delivery(taken, 'role.keeper', 'completed');
    const [monitor, coordinator] = [system.app('m1'), system.app('c1')];
    const cli = (...args: string[]) =>
      operator.cli(args, { LOG_LEVEL: 'debug', DATABASE_URL: database.through(databaseUrl()) });
    const commands = await Promise.all([
      cli('dead-letters', 'show', dead),
      cli('dead-letters', 'show', dead, '--json'),
      cli('trace', dead),
    ]);
    const changes = await Promise.all([
      cli('dead-letters', 'requeue', dead),
      cli('replay', '--id', taken, '--state', 'completed', '--to', 'agent.k1'),
    ]);
    expect([...commands, ...changes].map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    await operator.delivery(dead, 'role.keeper', 'dead', 2);
    const tasks = ['task', 'taskAgain', 'taskRefused', 'taskSplit', 'run'].map((key) => ids[key] ?? '');
    const http = await Promise.all([
      ...Object.values(ids).map((id) => ask(monitor, `/messages/${id}`)),
      ...[taken, dead].map((id) => ask(monitor, `/traces/${id}`)),
      ask(monitor, '/dead-letters'),
      ask(monitor, `/dead-letters/${dead}`),
      ...tasks.map((id) => ask(coordinator, `/tasks/${id}`)),
      ask(coordinator, '/tasks?limit=1000'),
      ...tasks.map((id) => ask(coordinator, `/tasks?parent=${id}`)),
    ]);
    return { http, cli: [...commands, ...changes] };
  };

  it(
    'reaches each of its recipients, and is nowhere else',
    async () => {
      const [sealed, clear] = await Promise.all([play(secret, 'sealed'), play(control, 'clear')]);
      const [one, two] = [await operate(sealed), await operate(clear)];
      const list = await operator.cli(['dead-letters', 'list', '--json']);
      for (const marker of [secret, control]) {
        await until('what was sent again to be heard', async () => (await heard(marker))['note'] === 10, 20_000);
        expect(await heard(marker)).toEqual({ note: 10, topic: 1, progress: 1, job: 6, piece: 3 });
      }
      expect(await ask(system.app('c1'), `/tasks/${sealed['task']}`)).toMatchObject({
        body: { state: 'completed', resultHidden: 'sealed with key test-key' },
      });
      const edited = await send(system.app('m1'), `/dead-letters/${sealed['dead']}/requeue`, {
        payload: { text: 'another', way: 'take' },
      });
      expect(edited).toMatchObject({ status: 400, body: { detail: expect.stringContaining('payload: is sealed') } });
      expect(await operator.message(sealed['dead'] ?? '')).toMatchObject({ payloadHidden: 'sealed with key test-key' });

      places.set('HTTP: messages, traces, dead letters, tasks', json([one.http, two.http]));
      places.set('command line', json([one.cli, two.cli, list]));
      const apps = ['k1', 'c1', 'm1'].map((id) => system.app(id));
      const told = apps.flatMap((app) =>
        ['/metrics', '/health'].map(async (path) => (await fetch(`${app.url}${path}`)).text()),
      );
      places.set('HTTP: metrics, health', Buffer.from((await Promise.all(told)).join('\n')));
      await Promise.all(apps.map((app) => app.kill('SIGTERM')));
      places.set('logs at debug level', Buffer.from(apps.map((app) => app.output()).join('\n')));
      places.set(`wire: ${testBus.name}, both ways`, bytesOf(broker.recording()));
      places.set('wire: Postgres, both ways', bytesOf(database.recording()));
      places.set('dump of all tables', await dump());
      await server.down();
      places.set("the broker's files", filesIn(server.dataFolder));

      const found = [...places].map(([place, bytes]) => ({
        place,
        bytes: bytes.length,
        hits: secret.in(bytes),
        ofControl: control.in(bytes),
      }));
      if (process.env['SHOW_SEARCH'])
        process.stdout.write(
          `${found.map((each) => JSON.stringify(each)).join('\n')}\n${secret.count} forms, ${sum(found)} bytes\n`,
        );
      expect(found.filter(({ hits }) => Object.keys(hits).length > 0)).toEqual([]);
      const inNone = found.filter(({ ofControl }) => Object.keys(ofControl).length === 0);
      expect(inNone.map(({ place }) => place)).toEqual(['HTTP: metrics, health']);
    },
    TEST_MS,
  );

  /** Each row of each table as text. */
  async function dump(): Promise<Buffer> {
    const tables = await rowsOf<{ name: string }>(
      system,
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'NS' ORDER BY 1`,
    );
    expect(tables.length).toBeGreaterThan(10);
    const rows = await Promise.all(
      tables.map(({ name }) => rowsOf<{ row: string }>(system, `SELECT t::text AS row FROM "NS"."${name}" t`)),
    );
    return Buffer.from(rows.flatMap((each) => each.map(({ row }) => row)).join('\n'));
  }
});

const sum = (found: readonly { readonly bytes: number }[]): number => found.reduce((all, { bytes }) => all + bytes, 0);

function filesIn(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Buffer.concat(files.map(({ parentPath, name }) => readFileSync(join(parentPath, name))));
}
