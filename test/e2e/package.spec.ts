import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { amqpUrl, databaseUrl, testBus } from '../support/index.js';
import { ask, Deployment } from './deployment.js';
import { InstalledApp } from './installed-app.js';

const WAIT_MS = 60_000;
const MB = 1024 * 1024;
const ON_RABBITMQ = { MESSAGE_BUS_TYPE: 'rabbitmq', AMQP_URL: amqpUrl() };

describe('an app outside of the repository that has installed the package', () => {
  const system = new Deployment();
  let app: InstalledApp;
  let problems = '';

  beforeAll(() => {
    app = InstalledApp.create();
    const subpaths = Object.keys(app.manifest().exports).filter((name) => name !== './package.json');
    const imports = subpaths.map((name, n) => `export * as _${n} from '${name.replace('.', 'agentmq')}';\n`);
    app.write('every.ts', imports.join(''));
    app.write('quotes.ts', readFileSync('test/e2e/installed/quotes.ts', 'utf8'));
    problems = app.compile();
  }, WAIT_MS);
  afterAll(async () => {
    app.remove();
    await system.close();
  }, WAIT_MS);

  it('has the libraries, the migrations and the command line, and no tests, apps or sample data', () => {
    expect(app.entries()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'cli', 'libs', 'migrations', 'package.json'].sort(),
    );
    expect(app.bytes()).toBeLessThan(15 * MB);
  });

  it('compiles with complete types, as an ES module and as CommonJS', () => expect(problems).toBe(''));

  it.each(['esm', 'cjs'])('sends, handles and answers, without PGlite and Redis (%s)', async (format) => {
    const every = spawnSync(process.execPath, [app.path(`${format}/every.js`)], { encoding: 'utf8' });
    expect(every).toMatchObject({ status: 0 });
    const quotes = await system.start(app.path(`${format}/quotes.js`), format, ON_RABBITMQ);
    await quotes.ready(WAIT_MS);
    expect(await ask(quotes, '/quotes/ACME')).toEqual({ status: 200, body: { symbol: 'ACME', price: 40 } });
    await quotes.kill('SIGTERM');
    expect((await quotes.exited).code).toBe(0);
  });

  it('is told which package it lacks for Redis', async () => {
    const quotes = await system.start(app.path('esm/quotes.js'), 'redis', { MESSAGE_BUS_TYPE: 'redis' });
    expect((await quotes.exited).code).toBe(1);
    expect(stripVTControlCharacters(quotes.output())).toContain(
      'PackageMissingError: MESSAGE_BUS_TYPE=redis needs the package @redis/client: npm install @redis/client',
    );
  });

  it('has the command line for operators, which starts no app of ours', () => {
    const agentmq = (...args: string[]) =>
      spawnSync(process.execPath, [app.path('node_modules/agentmq/cli/agentmq.js'), ...args], {
        encoding: 'utf8',
        env: {
          ...process.env,
          ...testBus.environment(testBus.sharedUrl()),
          DATABASE_URL: databaseUrl(),
          NAMESPACE: system.namespace,
        },
      });
    expect(agentmq('migrate').stdout).toBe(`the schema ${system.namespace} is up to date\n`);
    expect(agentmq('dead-letters', 'list').stdout).toBe('no dead letters\n');
    expect(agentmq('start', 'worker')).toMatchObject({
      status: 2,
      stderr: 'agentmq: there is no app "worker"; an app of your own is started by its main file: node dist/main.js\n',
    });
  });
});
