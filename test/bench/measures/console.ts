import { Client } from 'pg';
import { Deployment } from '../../e2e/deployment.js';
import { databaseUrl, startChromium } from '../../support/index.js';
import { decimal, markdownTable } from '../compare/table.js';
import type { Mode } from '../mode.js';
import { spreadOf, type Spread } from '../statistics.js';
import { fillOperated } from './operated.js';

const REQUESTS = 20;
const WAIT_MS = 120_000;
/** The page's views, as its navigation lists them. */
const VIEWS = ['', 'flow', 'agents', 'consumers', 'messages', 'dead-letters', 'dead-letters/list', 'replay']
  .concat(['subscriptions', 'tasks', 'pipelines', 'decisions', 'audit'])
  .map((path) => `/${path}`);

/** One monitor over a full store, asked by itself: each request after the answer to the one before. */
export const consoleMode: Mode = {
  name: 'console',
  about: 'answers of the HTTP interface, and views of the page in Chromium, with so many stored messages',
  counts: { what: 'messages', standard: 1_000_000 },
  async run({ count, report }) {
    const client = new Client({ connectionString: databaseUrl() });
    await client.connect();
    const system = new Deployment();
    try {
      // the first start makes the tables
      await (await system.start('monitor', 'monitor-1')).ready(WAIT_MS);
      await system.stop();
      await fillOperated(client, system.namespace, count, report);
      const monitor = await system.start('monitor', 'monitor-1');
      await monitor.ready(WAIT_MS);
      const answers = await askAll(monitor.url, report);
      const views = await lookAtAll(monitor.url, report);
      return {
        measures: { console: { messages: count, answers, views } },
        ratios: {},
        text: `${tableOf('GET', answers)}\n\n${tableOf('view, until all of it is there', views)}`,
      };
    } finally {
      await system.close();
      await client.end();
    }
  },
};

type Times = Readonly<Record<string, Spread>>;

const tableOf = (what: string, times: Times): string =>
  markdownTable(
    [what, 'median, ms', 'most, ms'],
    Object.entries(times).map(([name, { median, most }]) => [`\`${name}\``, decimal(median, 0), decimal(most, 0)]),
  );

async function askAll(url: string, report: (text: string) => void): Promise<Times> {
  const times: Record<string, Spread> = {};
  for (const [name, path] of await paths(url)) {
    const found: number[] = [];
    // the first one is not counted
    for (let n = 0; n <= REQUESTS; n++) {
      const begun = performance.now();
      const response = await fetch(`${url}${path}`);
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`GET ${path} was answered with ${response.status}`);
      if (n > 0) found.push(performance.now() - begun);
    }
    times[name] = spreadOf(found);
    report(`GET ${name}: ${times[name].median} ms`);
  }
  return times;
}

interface Listed {
  readonly items: readonly Readonly<Record<'id' | 'traceId' | 'consumer', string>>[];
  readonly next?: string;
}

/** What is asked for, each by a name that has no id in it. */
async function paths(url: string): Promise<[name: string, path: string][]> {
  const listed = async (path: string): Promise<Listed> => (await fetch(`${url}${path}`)).json() as Promise<Listed>;
  const [messages, dead] = [await listed('/messages'), await listed('/dead-letters')];
  const [[message], [letter]] = [messages.items, dead.items];
  const [[group], [task], [agent]] = [
    (await listed('/dead-letters/groups')).items,
    (await listed('/tasks?state=completed')).items,
    (await listed('/agents')).items,
  ];
  if (!message || !letter || !group || !task || !agent) throw new Error('the store is not filled');
  const at = (day: number): string => new Date(Date.now() - day * 86_400_000).toISOString();
  const after = encodeURIComponent(messages.next ?? '');
  const plain = ['/overview', '/flow', '/agents', '/agents?limit=1000', '/consumers', '/leaders', '/queues', '/pauses']
    .concat(['/contracts', '/messages', '/messages?limit=1000', '/messages?type=type_3', '/messages?type=none'])
    .concat(['/messages?consumer=role.worker-1', '/messages?consumer=role.worker-1&state=dead', '/messages?state=dead'])
    .concat(['/messages?state=processing', '/messages?state=unpublished', '/messages?agent=worker-1-7f3a'])
    .concat(['/messages?key=order:500001', '/dead-letters', '/dead-letters?limit=1000', '/dead-letters/groups'])
    .concat(['/replay', '/subscriptions', '/audit', '/tasks', '/tasks?state=failed', '/tasks?state=queued'])
    .concat(['/tasks?type=count', '/task-types', '/pipelines', '/proposals', '/scaling', '/openapi.json', '/'])
    .concat(['/health/ready', '/metrics'])
    .map((path): [string, string] => [path, path]);
  return [
    ...plain,
    ['/messages?after=…', `/messages?after=${after}`],
    ['/messages?trace=…', `/messages?trace=${message.traceId}`],
    ['/messages?from=…&before=…', `/messages?from=${at(3)}&before=${at(2.9)}`],
    ['/messages/<id>', `/messages/${message.id}`],
    ['/messages/<id>/explanation', `/messages/${message.id}/explanation`],
    ['/messages/<id of a dead letter>/explanation', `/messages/${letter.id}/explanation`],
    ['/traces/<id>', `/traces/${message.traceId}`],
    ['/dead-letters?group=<id>', `/dead-letters?group=${encodeURIComponent(group.id)}`],
    ['/dead-letters/<id>', `/dead-letters/${letter.id}`],
    ['/tasks/<id>', `/tasks/${task.id}`],
    ['/tasks/<id>/tree', `/tasks/${task.id}/tree`],
    ['/agents/<id>', `/agents/${agent.id}`],
  ];
}

/** Each view in a browser that has nothing in its cache, from its address until nothing in it is being loaded. */
async function lookAtAll(url: string, report: (text: string) => void): Promise<Times> {
  const browser = await startChromium();
  const times: Record<string, Spread> = {};
  try {
    for (const path of VIEWS) {
      const found: number[] = [];
      for (let n = 0; n <= 5; n++) {
        const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
        const page = await context.newPage();
        const begun = performance.now();
        await page.goto(`${url}/#${path}`);
        await page.locator('h1').waitFor();
        await page.locator('.skeleton').first().waitFor({ state: 'detached' });
        if (n > 0) found.push(performance.now() - begun);
        await context.close();
      }
      times[path] = spreadOf(found);
      report(`${path}: ${times[path].median} ms`);
    }
  } finally {
    await browser.close();
  }
  return times;
}
