import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { databaseUrl, nowhere, TcpProxy, testBus, until, type AppProcess } from '../support/index.js';
import { CliRun } from './cli-run.js';
import { ask, Deployment } from './deployment.js';

const EXIT_MS = 30_000;

describe('the start of an agent app', () => {
  const system = new Deployment();
  const folder = mkdtempSync(join(tmpdir(), 'agentmq-e2e-start-'));
  let proxy: TcpProxy | undefined;

  afterEach(() => proxy?.close());
  afterAll(async () => {
    await system.close();
    rmSync(folder, { recursive: true });
  });

  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  /** Resolves with the exit code, and with what the app has written, without colours. */
  const endOf = async (app: AppProcess): Promise<{ code: number | null; output: string }> => {
    const { code } = await app.exited;
    return { code, output: stripVTControlCharacters(app.output()) };
  };
  it(
    'ends with exit code 1 for wrong settings, and tells every one of them',
    async () => {
      const app = await system.start('worker', 'w1', {
        NAMESPACE: 'Not-A-Namespace',
        AMQP_URL: 'http://guest:secret@example.com',
        MESSAGE_BUS_TYPE: 'pigeons',
        LOG_LEVEL: 'loud',
        AGENTMQ_CONFIG: file('wrong.yaml', 'registry:\n  agent_timout: 5\nhandler.timeout: often\n'),
      });
      const { code, output } = await endOf(app);
      expect(code).toBe(1);
      for (const name of ['NAMESPACE', 'AMQP_URL', 'MESSAGE_BUS_TYPE', '.*/wrong.yaml:3: handler.timeout', 'LOG_LEVEL'])
        expect(output).toMatch(new RegExp(`^ +${name}: .*must be`, 'm'));
      expect(output).toMatch(/wrong.yaml:2: registry.agent_timout: .*did you mean registry.agent_timeout\?/);
      expect(output).not.toContain('secret');
      expect(output).not.toContain('    at ');
    },
    EXIT_MS,
  );

  it(
    'can be checked before: agentmq settings prints the settings and where each comes from',
    async () => {
      const AGENTMQ_CONFIG = file(
        'right.json',
        '{ "registry": { "agent_timeout": 45 }, "amqp": { "url_file": "secret" } }',
      );
      file('secret', 'amqp://guest:hush@example.com\n');
      const { code, stdout, stderr } = await CliRun.start(folder, ['settings'], { AGENTMQ_CONFIG, HTTP_PORT: '0' })
        .exit;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(
        /^registry.agent_timeout +REGISTRY_AGENT_TIMEOUT +45 +.*right.json:1: registry.agent_timeout$/m,
      );
      expect(stdout).toMatch(/^amqp.url +AMQP_URL +amqp:\/\/example.com +.*right.json:1: amqp.url_file$/m);
      expect(stdout).toMatch(/^http.port +HTTP_PORT +0 +HTTP_PORT$/m);
      expect(stdout).not.toContain('hush');
    },
    EXIT_MS,
  );

  it(
    'agentmq settings --markdown prints what every setting means, a line for each',
    async () => {
      const { code, stdout } = await CliRun.start(folder, ['settings', '--markdown'], {}).exit;
      expect(code).toBe(0);
      expect(stdout.split('\n')).toEqual(
        expect.arrayContaining([
          '### The broker',
          expect.stringMatching(/^\| `http\.port` \| `HTTP_PORT` \| `http\.port` \| 3000 \| .+ \|$/),
        ]),
      );
    },
    EXIT_MS,
  );

  it(
    'ends with exit code 1 when the broker or the database is not there, if told to fail',
    async () => {
      const [lonely, forgetful] = await Promise.all([
        system.start('worker', 'w2', {
          MESSAGE_BUS_START: 'fail',
          ...testBus.environment(await nowhere(testBus.sharedUrl())),
        }),
        system.start('worker', 'w3', { MESSAGE_BUS_START: 'fail', DATABASE_URL: await nowhere(databaseUrl()) }),
      ]);
      const broker = await endOf(lonely);
      expect(broker.code).toBe(1);
      expect(broker.output).toMatch(
        /BrokerUnavailableError: no connection to the broker: .*ECONNREFUSED 127\.0\.0\.1:\d+/,
      );
      const database = await endOf(forgetful);
      expect(database.code).toBe(1);
      expect(database.output).toMatch(/StoreUnavailableError: the database is not available: .*ECONNREFUSED/);
      expect(broker.output + database.output).not.toContain('    at ');
    },
    EXIT_MS,
  );

  it(
    'waits for a broker that is not there: it lives, and is ready once the broker is',
    async () => {
      proxy = await TcpProxy.before(testBus.sharedUrl());
      proxy.refuse();
      const app = await system.start('worker', 'w4', {
        MESSAGE_BUS_START: 'wait',
        ...testBus.environment(proxy.through(testBus.sharedUrl())),
      });
      await until('HTTP', () => ask(app, '/health/live').catch(() => undefined), EXIT_MS, 50);
      await until('a vain attempt', () => app.output().includes('no connection to the broker'), EXIT_MS, 50);
      expect(await ask(app, '/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } });
      const down = { agent: { status: 'down' }, message_bus: { status: 'down', type: testBus.name } };
      expect(await ask(app, '/health/ready')).toMatchObject({ status: 503, body: { status: 'error', error: down } });
      expect(await ask(app, '/health')).toMatchObject({ status: 503, body: { status: 'error', error: down } });
      await proxy.accept();
      await app.ready();
      expect(await ask(app, '/health')).toMatchObject({ status: 200, body: { status: 'ok', error: {} } });
      expect(await app.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    },
    2 * EXIT_MS,
  );
});
