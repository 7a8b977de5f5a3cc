import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AppProcess, databaseUrl, testBus, until } from '../support/index.js';
import { CliRun } from './cli-run.js';
import { ask, Deployment, rowsOf } from './deployment.js';
import { measurements } from './tables.js';

const CLERK = 'dist/programs/test/clerk.js';
const START_MS = 60_000;

describe('a stop', () => {
  const system = new Deployment();
  const folder = mkdtempSync(join(tmpdir(), 'agentmq-e2e-stop-'));
  const runs: CliRun[] = [];

  const hasStopped = async (id: string): Promise<boolean> =>
    (await rowsOf(system, `SELECT 1 FROM NS.agents WHERE id = '${id}' AND stopped`)).length > 0;
  const hanging = async (id: string): Promise<AppProcess> => {
    const app = await system.start(CLERK, id, { SHUTDOWN_TIMEOUT: '60' });
    await app.ready(START_MS);
    const { status } = await ask(app, '/slips', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: `hang ${id}` }),
    });
    expect(status).toBe(201);
    const claimed = `SELECT 1 FROM NS.deliveries WHERE agent_id = '${id}' AND state = 'processing'`;
    await until('the handler to hang', async () => (await rowsOf(system, claimed)).length > 0, 10_000, 50);
    return app;
  };

  beforeAll(() => writeFileSync(join(folder, 'table.csv'), measurements(200_000).csv));

  afterAll(async () => {
    for (const run of runs) run.signal('SIGKILL');
    await system.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }, 30_000);

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)(
    'by %s waits for a handler; a second one ends the process at once, with exit code %d',
    async (signal, code) => {
      const id = `clerk-${signal.toLowerCase()}`;
      const app = await hanging(id);
      process.kill(app.pid, signal);
      await until('the agent to leave the registry', () => hasStopped(id), 10_000, 50);
      expect(app.running).toBe(true);
      // npm repeats a Ctrl-C within a moment: that is not a second one
      const left = performance.now();
      await until('the moment to be over', () => performance.now() - left > 200);
      expect(await app.kill(signal)).toEqual({ code, signal: null });
    },
    2 * START_MS,
  );

  it(
    'by SIGTERM twice ends agentmq run at once',
    async () => {
      const run = CliRun.start(folder, ['run', '--input', 'table.csv'], { SHUTDOWN_TIMEOUT: '60' });
      runs.push(run);
      await until('progress', () => /\d%, [\d,]+ rows/.test(run.stderr) || !run.running, START_MS, 50);
      run.signal('SIGTERM');
      await until('the stop to begin', () => run.stderr.includes('stopping') || !run.running, 10_000, 5);
      run.signal('SIGTERM');
      expect(await run.exit).toMatchObject({ code: 143, signal: null });
    },
    2 * START_MS,
  );

  it(
    'by SIGTERM to npx stops the agent that it has started',
    async () => {
      const { PATH = '', HOME = '' } = process.env;
      const { namespace: NAMESPACE } = system;
      const bus = testBus.environment(testBus.sharedUrl());
      const env = { PATH, HOME, NAMESPACE, ...bus, DATABASE_URL: databaseUrl(), AGENT_ID: 'by-npx' };
      const npx = spawn('npx', ['agentmq', 'start', 'worker'], {
        // in a container it would listen at all addresses, and want tokens
        env: { ...env, HTTP_HOST: '127.0.0.1', HTTP_PORT: '0' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [npx.stdout, npx.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => (output += text));
      const registered = `SELECT 1 FROM NS.agents WHERE id = 'by-npx' AND NOT stopped`;
      const isThere = async () => (await rowsOf(system, registered).catch(() => [])).length > 0;
      await until('the agent to be there', isThere, START_MS, 100).catch((error: unknown) => {
        throw new Error(`npx wrote: ${output.slice(-4_000)}`, { cause: error });
      });
      npx.kill('SIGTERM');
      await until('the agent to have left', () => hasStopped('by-npx'), 20_000, 100);
    },
    2 * START_MS,
  );

  it(
    'of an app with a main and a logger of its own lets its agent finish, and ends with exit code 0',
    async () => {
      const app = await system.start('dist/programs/test/till.js', 'till-1');
      await app.ready(START_MS);
      const logged = (msg: string): boolean => app.output().includes(`"msg":"${msg}"}\n`);
      expect(await ask(app, '/api/receipts?text=one')).toEqual({ status: 200, body: { text: 'one' } });
      await until('the handler', () => logged('printing one'), 10_000, 5);
      expect(await app.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(logged('printed one')).toBe(true);
      expect(logged('till-1 is listening as till')).toBe(true);
      expect(app.output()).not.toMatch(/^[^{]/m);
    },
    2 * START_MS,
  );

  it(
    'of an agent with an id of its own making leaves neither inbox nor subscriptions',
    async () => {
      // of a role that none of the slips above is owed to: their handler would hang here too until the shutdown's timeout
      const app = await system.start(CLERK, 'passing', { AGENT_ID: '' }, ['passer']);
      await app.ready(START_MS);
      const { details } = (await ask(app, '/health')).body as { details: { agent: { id: string } } };
      const subscribed = `SELECT pattern FROM NS.subscriptions WHERE consumer = 'agent.${details.agent.id}'`;
      const patterns = (await rowsOf<{ pattern: string }>(system, subscribed)).map(({ pattern }) => pattern);
      expect(patterns).toContain('slips.*');
      expect(await app.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(await rowsOf(system, subscribed)).toEqual([]);
    },
    2 * START_MS,
  );
});
