import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AgentRegistry } from 'agentmq';
import axe from 'axe-core';
import type { Browser, Page, Route } from 'playwright-core';
import { startChromium, until } from '../../support/index.js';
import { faults } from './shop.js';
import { ConsoleSystem } from './system.js';

const START_MS = 90_000;
const TEST_MS = 120_000;
const VIEWS_MS = 180_000;
const SEEN_MS = 30_000;

/** The page's list of its views. */
const ROUTES = 'libs/console/page/src/routes.tsx';

/** Would run if a text were taken for markup anywhere. */
const HOSTILE = '"><img src=x onerror="globalThis.ran=1"><script>globalThis.ran=1</script>';

describe('the page in Chromium', () => {
  let system: ConsoleSystem;
  let browser: Browser;
  let page: Page;
  /** Exceptions of the page's script, and what its content security policy has stopped. */
  const faulty: string[] = [];

  const open = async (path: string): Promise<void> => {
    await page.goto(`${system.url}/#${path}`);
    await page.locator('h1').waitFor();
  };
  const newPage = async (): Promise<Page> => {
    const opened = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await opened.addInitScript({ content: axe.source });
    opened.on('pageerror', (error) => faulty.push(error.message));
    opened.on('console', (message) => {
      if (/Content Security Policy|Trusted/i.test(message.text())) faulty.push(message.text());
    });
    return opened;
  };
  const listed = async <Item>(path: string): Promise<Item[]> => {
    // a connection that is kept may be ended by the server as the next request is sent
    const response = await fetch(`${system.url}${path}`, { headers: { connection: 'close' } });
    return ((await response.json()) as { items: Item[] }).items;
  };
  const shows = (text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor({ timeout: SEEN_MS });

  beforeAll(async () => {
    [browser, system] = await Promise.all([startChromium(), ConsoleSystem.start()]);
    page = await newPage();
    system.definePipeline();
    await Promise.all([
      system.order(100),
      system.analysis(60),
      system.readings('Oslo,3'),
      system.readings('Nowhere,-99'),
      system.returned(4711),
    ]);
  }, START_MS);

  afterAll(async () => {
    await browser?.close();
    await system?.close();
  }, 30_000);

  beforeEach(() => {
    faulty.length = 0;
  });

  it(
    'shows dead letters as a group when a handler fails, and requeues them until they complete',
    async () => {
      await open('/dead-letters');
      await shows('No dead letters');
      faults.orders = 'the ledger has no customer %';
      const ids = await Promise.all([201, 202, 203].map((order) => system.order(order)));
      // without a reload
      const group = page.locator('.group', { hasText: 'the ledger has no customer' });
      await group.getByText('3', { exact: true }).waitFor({ timeout: SEEN_MS });
      faults.orders = '';
      await group.getByRole('button', { name: 'Requeue' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('3 dead letters will begin anew').waitFor();
      await dialog.getByRole('button', { name: 'Requeue' }).click();
      await shows('3 requeued');
      await shows('No dead letters');
      await open(`/messages/${ids[0]}`);
      await page.locator('h1').getByText('completed').waitFor({ timeout: SEEN_MS });
      expect(faulty).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'finds a message by its key, and explains why it waits',
    async () => {
      await open('/messages');
      await page.getByLabel('Key', { exact: true }).fill('order:4711');
      await page.getByRole('link', { name: 'return_label' }).click();
      const reason = page.locator('.explanation');
      await reason.getByText('There is no inbox of role.returns').waitFor({ timeout: SEEN_MS });
      expect(await reason.locator('.status').textContent()).toMatch(/inbox|recipient|agent|outbox/);
      expect(faulty).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'drains an agent, and resumes it',
    async () => {
      await open('/agents/courier-1');
      await page.getByRole('button', { name: 'Drain' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Reason').fill('it is to be updated');
      await dialog.getByRole('button', { name: 'Drain' }).click();
      await shows('Drained:');
      await system.order(301);
      await until(
        'the order to be shipped by the other courier',
        async () => {
          const [shipped] = await listed<{ deliveries: { agentId: string; state: string }[] }>(
            '/messages?type=ship_order&key=order:301',
          );
          return shipped?.deliveries[0]?.state === 'completed' && shipped.deliveries[0].agentId === 'courier-2';
        },
        SEEN_MS,
      );
      await page.getByRole('button', { name: 'Resume' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
      await page.getByText('Drained:').waitFor({ state: 'detached', timeout: SEEN_MS });
      await open('/audit');
      await shows('it is to be updated');
      expect(faulty).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'offers the tasks of an agent that is paused, which wait for it',
    async () => {
      const change = (verb: string, body: object): Promise<Response> =>
        fetch(`${system.url}/agents/specialist-1/${verb}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', connection: 'close' },
          body: JSON.stringify(body),
        });
      await change('pause', { reason: 'its table is repaired' });
      const registry = system.monitor.get(AgentRegistry);
      await until('the monitor to know', async () => registry.find({ role: 'specialist' }).length === 0, SEEN_MS);
      await open('/tasks');
      await page.getByRole('button', { name: 'Submit a task' }).click();
      await page.getByRole('dialog').getByLabel('Type').selectOption('data_analysis@1', { timeout: SEEN_MS });
      await page.keyboard.press('Escape');
      await change('resume', {});
    },
    TEST_MS,
  );

  it(
    'is worked by the keyboard: skip link, dialog, tabs',
    async () => {
      await open('/replay');
      await page.reload();
      await page.locator('h1').waitFor();
      const focused = async (): Promise<string> => (await page.locator(':focus').textContent())?.trim() ?? '';
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('Skip to content');
      await page.keyboard.press('Enter');
      expect(await page.locator('main:focus').count()).toBe(1);
      await open('/tasks');
      await page.getByRole('button', { name: 'Submit a task' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').getByLabel('Payload').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect(await focused()).toBe('Submit a task');
      const [message] = await listed<{ traceId: string }>('/messages?type=reserve_stock');
      await open(`/traces/${message?.traceId}`);
      await page.getByRole('tab', { name: 'Waterfall' }).focus();
      await page.keyboard.press('ArrowRight');
      await page.getByRole('region', { name: 'Sequence diagram' }).waitFor();
      expect(await focused()).toBe('Sequence');
    },
    TEST_MS,
  );

  it(
    'lists the tasks that the overview counts as running, and those of a time',
    async () => {
      const rows = page.getByRole('table', { name: 'Tasks' }).locator('tbody tr');
      faults.weather = true;
      try {
        await system.readings('Rome,20');
        await open('/');
        // a run, and its stage that an agent has begun
        const link = page.getByRole('link', { name: /running$/ });
        const counted = async (): Promise<number> => parseInt((await link.textContent()) ?? '', 10);
        const agree = async (): Promise<boolean> =>
          (await counted()) >= 2 && (await counted()) === (await listed('/tasks?state=running')).length;
        await until('as many to be counted as are listed', agree, SEEN_MS);
        const count = await counted();
        await link.click();
        await until('all of them to be listed', async () => (await rows.count()) === count, SEEN_MS);
      } finally {
        faults.weather = false;
      }
      await shows('No task is like that');
      await page.getByRole('button', { name: 'Clear' }).click();
      await page.getByRole('button', { name: 'More filters' }).click();
      await page.getByLabel('Submitted before').fill('2020-01-01T00:00');
      await shows('No task is like that');
      await page.getByLabel('Submitted before').fill('2100-01-01T00:00');
      await rows.first().waitFor({ timeout: SEEN_MS });
    },
    TEST_MS,
  );

  describe('when the server is away, or slow', () => {
    const SEARCH = /\/messages\?/;
    const isShown = (text: string | RegExp): Promise<boolean> => page.getByText(text).first().isVisible();
    const setVisibility = (state: 'hidden' | 'visible'): Promise<unknown> =>
      page.evaluate(
        `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
         document.dispatchEvent(new Event('visibilitychange'));`,
      );

    let before: Page;

    beforeAll(async () => {
      before = page;
      page = await newPage();
      await page.clock.install();
    });

    afterEach(() => page.unrouteAll({ behavior: 'ignoreErrors' }));

    afterAll(async () => {
      await page.close();
      page = before;
    });

    it(
      'tells since when what it shows is old, as soon as no overview comes',
      async () => {
        await open('/');
        const calmOrNot = page.locator('.calm, .attention');
        await calmOrNot.waitFor({ timeout: SEEN_MS });
        const held: Route[] = [];
        await page.route('**/events', (route) => void held.push(route));
        await page.clock.fastForward(16_000);
        await shows(/^No live updates since/);
        expect(await calmOrNot.count()).toBe(0);
        await until('a new stream', async () => held.length > 0, SEEN_MS);
        await held[0]?.continue();
        await calmOrNot.waitFor({ timeout: SEEN_MS });
        expect(await isShown('No live updates')).toBe(false);
      },
      TEST_MS,
    );

    it(
      'reads a list again until it is answered, and tells meanwhile that it is old',
      async () => {
        let isAway = true;
        let asked = 0;
        await page.route('**/subscriptions*', (route) => {
          asked++;
          return isAway ? route.fulfill({ status: 503, json: { detail: 'No database.' } }) : route.continue();
        });
        await open('/subscriptions');
        await shows('No database.');
        await shows('This page goes on trying.');
        await page.clock.fastForward(3_500);
        await until('the list to be asked for again', async () => asked >= 2, SEEN_MS);
        await shows('No database.');
        // a tab in the background
        await setVisibility('hidden');
        const askedBefore = asked;
        await page.clock.fastForward(3_500);
        await page.clock.fastForward(3_500);
        isAway = false;
        await setVisibility('visible');
        await page.getByRole('table', { name: 'Subscriptions' }).waitFor({ timeout: SEEN_MS });
        expect(asked).toBe(askedBefore + 1);
        await page.unroute('**/subscriptions*');
        await open('/agents/orders-1');
        await shows('Its messages');
        await page.route('**/agents/*', (route) => route.abort());
        // a new stream has everything read anew
        await page.clock.fastForward(16_000);
        await shows(/^What is shown could not be read anew/);
        expect(await isShown('Its messages')).toBe(true);
      },
      TEST_MS,
    );

    it(
      'keeps what a search of few among many has found, when it is read anew',
      async () => {
        const limits: string[] = [];
        await page.route(SEARCH, (route) => {
          const { searchParams: query } = new URL(route.request().url());
          limits.push(query.get('limit') ?? '');
          const items = query.has('after') ? [{ ...row(1), recipient: 'role.stock', keys: [], deliveries: [] }] : [];
          return route.fulfill({ json: { items, next: `${query.get('after') ?? ''}.` } });
        });
        await open('/messages?type=rare');
        await page.getByRole('button', { name: 'Show more' }).click();
        await shows('rare');
        const before = limits.length;
        // a new stream has everything read anew
        await page.clock.fastForward(16_000);
        await until('the list to be read anew', async () => limits.length > before, SEEN_MS);
        await page.getByRole('button', { name: 'Show more' }).waitFor();
        expect(await page.locator('tbody tr').count()).toBe(1);
        expect(limits.filter((limit) => !(Number(limit) >= 50))).toEqual([]);
      },
      TEST_MS,
    );

    it(
      'counts to the end before anything can be replayed, and stops counting what is not asked for any more',
      async () => {
        const stopped: string[] = [];
        let state = 'running';
        let isAway = false;
        let isBroken = false;
        let missed = 0;
        await page.route('**/replay', (route) =>
          route.request().method() === 'POST' ? route.fulfill({ status: 202, json: job('running') }) : route.continue(),
        );
        await page.route('**/dead-letters/discard', (route) => route.fulfill({ status: 202, json: job('running') }));
        await page.route('**/replay/counted', (route) => {
          if (route.request().method() === 'DELETE') stopped.push('counted');
          else if (isAway) {
            missed++;
            return route.abort();
          }
          if (isBroken) return route.fulfill({ status: 500, json: { detail: 'It broke.' } });
          return route.fulfill({ json: job(state) });
        });
        await open('/replay');
        await page.getByRole('button', { name: 'Preview' }).click();
        await shows('still counting');
        const replay = page.getByRole('button', { name: /^Replay 7/ });
        expect(await replay.count()).toBe(0);
        await page.getByLabel('Type').fill('order_placed');
        await until('the count to be stopped', async () => stopped.length === 1, SEEN_MS);
        expect(await isShown('still counting')).toBe(false);
        await page.getByRole('button', { name: 'Preview' }).click();
        await shows('still counting');
        isAway = true;
        await until('the server to be asked in vain', async () => missed > 0, SEEN_MS);
        isAway = false;
        state = 'ended';
        await replay.waitFor();
        expect(stopped).toHaveLength(1);
        state = 'running';
        await page.getByRole('button', { name: 'Preview' }).click();
        await shows('still counting');
        isBroken = true;
        await shows('It broke.');
        expect(stopped).toHaveLength(2);
        isBroken = false;
        await page.route('**/dead-letters?*', (route) => route.fulfill({ json: { items: [row(1), row(2)] } }));
        await open('/dead-letters/list');
        await page.getByLabel('row 1 role.stock').check();
        await page.getByRole('button', { name: 'Discard 1' }).click();
        await page.getByRole('dialog').getByText('Counting…').waitFor();
        expect(await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).isDisabled()).toBe(true);
        await page.keyboard.press('Escape');
        await until('that count to be stopped', async () => stopped.length === 3, SEEN_MS);
        await page.getByRole('button', { name: 'Discard 1' }).waitFor();
      },
      TEST_MS,
    );

    it(
      'still means the dead letters that are ticked when others have taken their place',
      async () => {
        let items = [row(1), row(2)];
        await page.route('**/dead-letters?*', (route) => route.fulfill({ json: { items } }));
        await open('/dead-letters/list');
        await page.getByLabel('row 1 role.stock').check();
        items = [row(3), row(2)];
        await open('/dead-letters/list?type=rare');
        await page.getByRole('button', { name: 'Discard all' }).waitFor();
        await page.getByLabel('row 2 role.stock').check();
        items = [row(4), row(3)];
        await page.clock.fastForward(16_000);
        await shows('Untick all, 1 of them not shown');
        await page.getByRole('button', { name: 'Discard 1' }).waitFor();
      },
      TEST_MS,
    );

    it(
      'tells of agents and consumers that are not listed, and offers no retry of a part or a run',
      async () => {
        await page.route(/\/(agents|consumers)\?/, async (route) => {
          const response = await route.fetch();
          return route.fulfill({ response, json: { ...((await response.json()) as object), next: 'more' } });
        });
        for (const view of ['agents', 'consumers']) {
          await open(`/${view}`);
          await shows(/^And more: only the first 1,000/);
        }
        const failed = await listed<{ id: string; parentId: string | null }>('/tasks?state=failed');
        expect(new Set(failed.map(({ parentId }) => parentId === null))).toEqual(new Set([false, true]));
        for (const { id, parentId } of failed) {
          await open(`/tasks/${id}`);
          await shows(parentId === null ? /^A run is not retried/ : /^A part is not retried by itself/);
          expect(await page.getByRole('button', { name: 'Retry' }).count()).toBe(0);
        }
      },
      TEST_MS,
    );
  });

  describe('each view', () => {
    const paths = async (): Promise<string[]> => {
      const [message] = await listed<{ id: string; traceId: string }>('/messages?type=reserve_stock');
      const [task] = await listed<{ id: string }>('/tasks?type=data_analysis');
      const [run] = await listed<{ id: string }>('/pipelines');
      const [proposal] = await listed<{ id: string }>('/proposals');
      const lists = ['', 'flow', 'agents', 'consumers', 'messages', 'dead-letters', 'dead-letters/list', 'replay'];
      const more = ['subscriptions', 'tasks', 'pipelines', 'decisions', 'audit', 'settings'];
      const trace = `traces/${message?.traceId}`;
      const single = [`messages/${message?.id}`, trace, `${trace}?tab=sequence`, `${trace}?tab=tree`];
      const work = [`tasks/${task?.id}`, `pipelines/${run?.id}`, `decisions/${proposal?.id}`, 'agents/orders-1'];
      return [...lists, ...more, ...single, ...work].map((path) => `/${path}`);
    };
    /** Resolves when nothing is being loaded. */
    const settled = async (path: string): Promise<void> => {
      await until(`${path} to be shown`, async () => (await page.locator('.skeleton').count()) === 0, SEEN_MS);
    };

    beforeAll(async () => {
      faults.orders = 'no price for %';
      await Promise.all([system.order(401), system.vote('deploy version 7')]);
      await until('a dead letter', async () => (await listed('/dead-letters')).length > 0, SEEN_MS);
      faults.orders = '';
    }, TEST_MS);

    it('is among those that are looked at', async () => {
      const shown = (await paths()).map((path) => path.replace(/\?.*/, ''));
      const patterns = [...readFileSync(ROUTES, 'utf8').matchAll(/pattern: '([^']+)'/g)].map(
        ([, pattern = '']) => pattern,
      );
      expect(patterns).toContain('/messages/:id');
      const isShown = (pattern: string): boolean => {
        const address = new RegExp(`^${pattern.replace(/:[^/]+/g, '[^/]+')}$`);
        return shown.some((path) => address.test(path) && (!pattern.includes(':') || !patterns.includes(path)));
      };
      expect(patterns.filter((pattern) => !isShown(pattern))).toEqual([]);
      expect(shown.filter((path) => path.endsWith('undefined'))).toEqual([]);
    });

    it.each(['light', 'dark'] as const)(
      'has no serious fault of accessibility, when %s',
      async (theme) => {
        await page.emulateMedia({ colorScheme: theme });
        const found: string[] = [];
        for (const path of await paths()) {
          await open(path);
          await settled(path);
          found.push(...(await faultsOf(page, theme)).map((each) => `${path} ${each}`));
        }
        expect(found).toEqual([]);
        expect(faulty).toEqual([]);
      },
      VIEWS_MS,
    );

    it(
      'takes no text of agents, payloads, errors and topics for markup',
      async () => {
        // as if each text that agents have a say in were hostile, also where their names are checked
        await page.route(
          /^[^#]*\/(agents|consumers|messages|traces|dead-letters|subscriptions|tasks|pipelines|proposals|audit|leaders|overview|flow|queues)/,
          hostile,
        );
        for (const path of await paths()) {
          await open(path);
          await settled(path);
        }
        await open(`/agents/${encodeURIComponent(HOSTILE)}`);
        await page.unrouteAll({ behavior: 'ignoreErrors' });
        expect(await page.evaluate(() => (globalThis as { ran?: number }).ran)).toBeUndefined();
        expect(await page.locator('img[src=x], main script').count()).toBe(0);
        expect(faulty).toEqual([]);
      },
      VIEWS_MS,
    );
  });
});

/** A row of a list of messages or dead letters. */
const row = (id: number) => ({
  ...{ id: `${id}`, type: 'rare', version: 1, sender: 'orders-1', consumer: 'role.stock', attempts: 1 },
  ...{ storedAt: '2026-11-27T04:00:00.000Z', lastFailedAt: '2026-11-27T04:00:00.000Z' },
  error: { name: 'Error', code: 'NO_STOCK', message: 'none left' },
});

/** A dry run. */
const job = (state: string) => ({ id: 'counted', kind: 'replay', dryRun: true, state, matched: 7, replayed: 7 });

/** What axe finds that keeps people from using the page. The dark theme differs from the light one in its colours only. */
async function faultsOf(page: Page, theme: 'light' | 'dark'): Promise<string[]> {
  const options: axe.RunOptions = {
    resultTypes: ['violations'],
    ...(theme === 'dark' ? { runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } } : {}),
  };
  const { violations } = await page.evaluate(
    (options) => (globalThis as unknown as { axe: typeof axe }).axe.run(options),
    options,
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 160)} ${nodes[0]?.failureSummary ?? ''}`);
}

/** Words that the page goes by, times and ids stay. */
const KEPT =
  /^(id|at|.*At|.*[Ii]d|state|outcome|health|kind|via|next|deadline|lastAt|firstAt|since|until|result|phase)$/;

async function hostile(route: Route): Promise<void> {
  const response = await route.fetch();
  const type = response.headers()['content-type'] ?? '';
  if (!type.includes('application/json')) return route.fulfill({ response });
  const isExplained = route.request().url().endsWith('/explanation');
  const spoilt: unknown = JSON.parse(await response.text(), (name: string, value: unknown) =>
    typeof value === 'string' && !KEPT.test(name) && !(isExplained && name === 'reason') ? `${value}${HOSTILE}` : value,
  );
  return route.fulfill({ response, json: spoilt });
}
