import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
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
  const listed = async <Item>(path: string): Promise<Item[]> => {
    // a connection that is kept may be ended by the server as the next request is sent
    const response = await fetch(`${system.url}${path}`, { headers: { connection: 'close' } });
    return ((await response.json()) as { items: Item[] }).items;
  };
  const shows = (text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor({ timeout: SEEN_MS });

  beforeAll(async () => {
    [browser, system] = await Promise.all([startChromium(), ConsoleSystem.start()]);
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.addInitScript({ content: axe.source });
    page.on('pageerror', (error) => faulty.push(error.message));
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted/i.test(message.text())) faulty.push(message.text());
    });
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
