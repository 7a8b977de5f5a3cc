import { AgentMQError } from 'agentmq';
import { loadSettings } from 'agentmq/agent';
import { errorText } from 'agentmq/protocol';
import type { Overview } from 'agentmq/operations';
import type { JsonOption } from '../command/options.js';
import { UsageError } from '../command/errors.js';
import { withStore } from '../command/with-store.js';
import { ageOf, count, printJson, printTable, some, stateStyle, type TableView } from '../output/index.js';
import { systemOf } from './system.js';

interface Check {
  readonly name: string;
  readonly status: 'up' | 'down' | 'degraded';
  readonly detail: string;
}

/** Something is not as it should be; the checks are on stdout. */
export class UnhealthyError extends AgentMQError {
  readonly code = 'UNHEALTHY';
}

/** How long an app may take to answer, in ms. */
const PATIENCE_MS = 10_000;
/** As alerts have it: of entries that wait longer, some relay or broker is in trouble. */
const OLD_OUTBOX_S = 60;

/**
 * Prints how the system is, as the database tells it, or (with the address of an app) how that app says it is. Rejects with
 * {@link UnhealthyError} when something is down.
 */
export async function showHealth(address: string | undefined, { json }: JsonOption): Promise<void> {
  const checks = address === undefined ? await ofSystem() : await ofApp(address);
  if (json) printJson({ items: checks });
  else printTable(checks, view);
  const down = checks.filter(({ status }) => status === 'down').map(({ name }) => name);
  if (down.length > 0) throw new UnhealthyError(`down: ${down.join(', ')}`);
}

const view: TableView<Check> = {
  columns: [
    { title: 'check', align: 'left', least: 12, cell: ({ name }) => name },
    { title: 'status', align: 'left', paint: stateStyle, cell: ({ status }) => status },
    { title: 'detail', align: 'left', least: 20, cell: ({ detail }) => detail },
  ],
  none: 'nothing is checked',
};

function ofSystem(): Promise<Check[]> {
  return withStore(async (store, settings) => {
    const { live, agents } = systemOf(store, settings);
    const [overview, { items }] = await Promise.all([live.overview(), agents.list({ limit: 1_000 })]);
    const ill = items.filter(
      ({ health, conditions }) => health !== 'stopped' && (health !== 'healthy' || conditions.length > 0),
    );
    return [
      { name: 'database', status: 'up', detail: `the schema ${settings.namespace}` },
      {
        name: 'agents',
        status: overview.agents.healthy === 0 ? 'down' : ill.length > 0 ? 'degraded' : 'up',
        detail: ill.length > 0 ? ill.map(illness).join('; ') : `${count(overview.agents.healthy)} healthy`,
      },
      ...ofWork(overview),
    ];
  });
}

const illness = ({ id, health, conditions }: { id: string; health: string; conditions: readonly string[] }): string =>
  `${id} is ${[health === 'healthy' ? [] : health, conditions].flat().join(', ')}`;

function ofWork({ leaders, outbox, deadLetters, paused }: Overview): Check[] {
  const gone = leaders.filter(({ alive }) => !alive);
  const isOld = outbox.oldestAgeSeconds > OLD_OUTBOX_S;
  return [
    {
      name: 'leaders',
      status: gone.length > 0 ? 'degraded' : 'up',
      detail:
        leaders.map(({ group, leader, alive }) => `${group}: ${leader}${alive ? '' : ' is gone'}`).join('; ') ||
        'no groups',
    },
    {
      name: 'outbox',
      status: isOld ? 'down' : 'up',
      detail: `${count(outbox.entries)} to go out${outbox.entries > 0 ? `, the oldest ${ageOf(outbox.oldestAgeSeconds)} old` : ''}`,
    },
    { name: 'dead letters', status: deadLetters > 0 ? 'degraded' : 'up', detail: count(deadLetters) },
    {
      name: 'paused',
      status: paused.consumers + paused.agents > 0 ? 'degraded' : 'up',
      detail: `${some(paused.consumers, 'consumer')}, ${some(paused.agents, 'agent')}`,
    },
  ];
}

/** An app's own answer, in the form of Terminus. One that is not that is no health. */
async function ofApp(address: string): Promise<Check[]> {
  const { healthPath } = loadSettings().http;
  const given = /^https?:/.test(address) ? address : `http://${address}`;
  if (!URL.canParse(given)) throw new UsageError(`${address} is no address: http://127.0.0.1:3000`);
  const url = new URL(given);
  if (url.pathname === '/') url.pathname = healthPath;
  const down = (detail: string): Check => ({ name: url.href, status: 'down', detail });
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const checks = checksOf(await response.text());
    const isTold = checks.length > 0 && (response.ok || checks.some(({ status }) => status === 'down'));
    const answered = `answers ${response.status} ${response.statusText}`.trim();
    return isTold
      ? checks
      : [...checks, down(checks.length > 0 ? answered : `${answered}, which is not how an app is`)];
  } catch (error) {
    return [down(`does not answer: ${errorText(error instanceof Error && error.cause ? error.cause : error)}`)];
  }
}

/** None of a text that has no details. */
function checksOf(text: string): Check[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return [];
  }
  const { details } = (answer ?? {}) as { readonly details?: Readonly<Record<string, Record<string, unknown>>> };
  return Object.entries(details ?? {}).map(([name, { status, ...detail }]) => {
    return { name, status: statusOf(status), detail: Object.entries(detail).map(pair).join(', ') };
  });
}

const statusOf = (status: unknown): Check['status'] => (status === 'up' || status === 'degraded' ? status : 'down');

const pair = ([name, value]: [string, unknown]): string =>
  `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
