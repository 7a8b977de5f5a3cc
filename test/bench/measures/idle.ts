import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { Deployment } from '../../e2e/deployment.js';
import { databaseUrl } from '../../support/index.js';
import { cpuSeconds, residentMb } from '../process-usage.js';
import { decimal, markdownTable } from '../compare/table.js';
import type { Mode } from '../mode.js';
import { median, rounded, spreadOf } from '../statistics.js';

const APPS = {
  'coordinator-1': 'coordinator',
  'specialist-1': 'specialist',
  'worker-1': 'worker',
  'worker-2': 'worker',
};
/** What a start still does in the background; a process counts as busy for a while after it. */
const SETTLE_MS = 100_000;
const COUNTED_MS = 60_000;
const STARTS = 5;
const IDLE_MS = 3_000;
const WAIT_MS = 60_000;
/** As they are by default, and not as tests have them. */
const STANDARD = { REGISTRY_HEARTBEAT_INTERVAL: '30', REGISTRY_AGENT_TIMEOUT: '120' };

/** The stock apps with nothing to do; the database server is the bench's own. */
export const idleMode: Mode = {
  name: 'idle',
  about: 'database transactions a second, and CPU, of four stock apps with nothing to do',
  async run({ report }) {
    const client = new Client({ connectionString: databaseUrl() });
    await client.connect();
    const system = new Deployment();
    try {
      for (const [id, app] of Object.entries(APPS)) {
        await system.start(app, id, STANDARD);
        await system.app(id).ready(WAIT_MS);
      }
      report(`${Object.keys(APPS).length} apps are ready`);
      await delay(SETTLE_MS);
      const used = (): number => Object.keys(APPS).reduce((sum, id) => sum + cpuSeconds(system.app(id).pid), 0);
      const [before, cpu, begun] = [await transactions(client), used(), performance.now()];
      await delay(COUNTED_MS);
      const seconds = (performance.now() - begun) / 1_000;
      const perSecond = rounded(((await transactions(client)) - before) / seconds);
      const share = rounded((100 * (used() - cpu)) / seconds);
      return {
        measures: {
          idle: {
            apps: Object.keys(APPS),
            seconds: Math.round(seconds),
            transactionsPerSecond: perSecond,
            cpuPercent: share,
          },
        },
        ratios: {},
        text: markdownTable(
          ['', 'transactions/s', 'CPU, % of a core'],
          [['four idle apps', decimal(perSecond, 1), decimal(share, 1)]],
        ),
      };
    } finally {
      await system.close();
      await client.end();
    }
  },
};

/** A worker, from its start on: as `npm start` limits its memory. */
export const startMode: Mode = {
  name: 'start',
  about: 'what an app costs until it is ready, and how much memory it has when idle',
  async run({ report }) {
    const starts: { readonly cpu: number; readonly ms: number; readonly mb: number }[] = [];
    const system = new Deployment();
    try {
      for (let n = 0; n <= STARTS; n++) {
        const begun = performance.now();
        const app = await system.start('worker', 'worker-1', STANDARD);
        await app.ready(WAIT_MS);
        const ms = performance.now() - begun;
        const cpu = cpuSeconds(app.pid);
        await delay(IDLE_MS);
        const found = { cpu, ms, mb: residentMb(app.pid) };
        report(`ready after ${ms.toFixed(0)} ms, ${cpu.toFixed(2)} s CPU; idle ${found.mb.toFixed(0)} MB`);
        // the first one makes the tables
        if (n > 0) starts.push(found);
        await app.kill('SIGTERM');
      }
    } finally {
      await system.close();
    }
    const cpu = starts.map((each) => each.cpu);
    const ms = starts.map((each) => each.ms);
    const mb = starts.map((each) => each.mb);
    return {
      measures: { start: { cpuSeconds: spreadOf(cpu), readyMs: spreadOf(ms), idleResidentMb: spreadOf(mb) } },
      ratios: {},
      text: markdownTable(
        ['', 'ready after, ms', 'CPU until then, s', 'resident when idle, MB'],
        [['worker', decimal(median(ms), 0), decimal(median(cpu), 2), decimal(median(mb), 0)]],
      ),
    };
  },
};

/** Those that have ended in the database. Sessions report theirs no later than 10 s after they became idle. */
async function transactions(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    'SELECT xact_commit + xact_rollback AS count FROM pg_stat_database WHERE datname = current_database()',
  );
  return Number(rows[0]?.count);
}
