import { setTimeout as delay } from 'node:timers/promises';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { Agent, AgentModule, AgentRegistry, loadSettings, startEmbeddedAgent } from 'agentmq/agent';
import { COORDINATORS, TaskCancelledError, Tasks, TasksModule } from 'agentmq/coordination';
import { Store } from 'agentmq/message-store';
import { QUICK } from '../../e2e/crew.js';
import { Deployment } from '../../e2e/deployment.js';
import { amqpUrl, databaseUrl, until } from '../../support/index.js';
import { CountPrimes, countPrimes, LEVELS, PrimesCounted } from './company/contracts.js';
import { median } from '../statistics.js';

const AGENTS = 'dist/test/bench/coordination/company/agents.js';
/** Two queues for each of 40 agents are cheap as classic ones. */
const SETTINGS = { ...QUICK, RABBITMQ_QUEUE_TYPE: 'classic' };
/** Processes that are started at once. */
const AT_ONCE = 4;
const WAIT_MS = 90_000;
const UP_TO = 3_000_000;
const PIECE_MS = 500;
const LONG_MS = 60_000;
/** How long nothing may go on below what was cancelled. */
const WATCH_MS = 5_000;

const numbered = (level: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${level}-${n + 1}`);
const leads = numbered('lead', 9);
const workers = numbered('worker', 27);
/** The CEO, the managers and the leads, each with one task. */
const LEVELS_AT_WORK = 13;
/** Agents that share a process. */
const processes: readonly (readonly string[])[] = [
  ['coordinator-1', 'ceo-1', ...numbered('manager', 3)],
  ...leads.map((lead) => [lead]),
  ...[0, 9, 18].map((from) => workers.slice(from, from + 9)),
];

@Agent({ role: 'client' })
class Client {}

/**
 * A CEO, three managers, nine leads in processes of their own, and 27 workers, over RabbitMQ and Postgres: count the primes
 * below three million in 108 pieces, undisturbed, with a lead killed in the middle, and with the task cancelled at the top. Queues are classic.
 */
export async function measureTree(rounds: number, report: (text: string) => void): Promise<string> {
  const company = new Company();
  const expected = countPrimes(0, UP_TO);
  try {
    await company.start();
    report(`${processes.flat().length - 1} agents in ${processes.length} processes are there`);
    const undisturbed = await company.count(expected);
    report(await company.describe(undisturbed));
    const times = [undisturbed.took];
    for (let round = 1; round < rounds; round++) times.push((await company.count(expected)).took);
    const killings: Killing[] = [];
    for (let round = 0; round < rounds; round++) {
      const killing = await company.countWithout(expected);
      report(killing.told);
      killings.push(killing);
    }
    const cancelled = await company.cancel();
    report(cancelled);
    const wrong = killings.filter(({ primes }) => primes !== expected).length;
    return [
      `| ${rounds} runs each, median (most) | answer | killed until noticed | killed until answered | pieces begun more than once |`,
      '|---|---:|---:|---:|---:|',
      `| undisturbed | ${spread(times)} | – | – | – |`,
      `| a lead killed in the middle | ${spread(killings.map(({ took }) => took))} | ${spread(killings.map(({ noticed }) => noticed))} | ${spread(killings.map(({ answered }) => answered))} | ${killings.map(({ again }) => again).join(', ')} |`,
      '',
      `Wrong answers: ${wrong} of ${2 * rounds}.`,
    ].join('\n');
  } finally {
    await company.close();
  }
}

interface Run {
  readonly id: string;
  readonly primes: number;
  /** In ms. */
  readonly took: number;
}

interface Killing extends Run {
  readonly told: string;
  /** From the kill until a task of the dead lead was with another, and until the answer, in ms. */
  readonly noticed: number;
  readonly answered: number;
  /** Pieces that more than one worker has begun. */
  readonly again: number;
}

interface TaskRow {
  readonly id: string;
  readonly level: string;
  readonly agent: string | null;
  readonly state: string;
  readonly started: boolean;
}

class Company {
  private readonly system = new Deployment();
  private client: INestApplicationContext | undefined;

  async start(): Promise<void> {
    for (let from = 0; from < processes.length; from += AT_ONCE)
      await Promise.all(processes.slice(from, from + AT_ONCE).map((ids) => this.launch(ids)));
    const settings = loadSettings({
      NAMESPACE: this.system.namespace,
      AMQP_URL: amqpUrl(),
      DATABASE_URL: databaseUrl(),
      AGENT_ID: 'client',
      ...SETTINGS,
    });
    @Module({ imports: [AgentModule.forRoot({ settings }), TasksModule], controllers: [Client] })
    class ClientModule {}
    this.client = await startEmbeddedAgent(ClientModule, ['error']);
    await this.rows(
      'CREATE TABLE NS.notes (task text, agent text, what text, at timestamptz DEFAULT clock_timestamp())',
    );
    const led = (): Promise<unknown[]> =>
      this.rows(`SELECT FROM NS.leaderships WHERE group_name = '${COORDINATORS}' AND leader <> ''`);
    await until('a leader', async () => (await led()).length > 0, WAIT_MS, 50);
    await this.complete();
  }

  async count(expected: number): Promise<Run> {
    const start = performance.now();
    const id = await this.submit(PIECE_MS);
    const { primes } = await this.tasks.result(id, { answer: PrimesCounted });
    if (primes !== expected) throw new Error(`${primes} primes, and not ${expected}`);
    return { id, primes, took: performance.now() - start };
  }

  /** The answer, who did it, and the way from the top to a worker: by the tasks, and by the messages. */
  async describe({ id, primes, took }: Run): Promise<string> {
    const tree = await this.tree(id);
    const agents = (level: string): number =>
      new Set(tree.filter((each) => each.level === level).map((t) => t.agent)).size;
    const leaf = tree.filter(({ level }) => level === 'worker').at(-1);
    const path = await this.tasks.path(leaf?.id ?? '');
    const steps: string[] = [];
    for (const [index, agent] of path.entries()) {
      const [step] = await this.rows<{ sender: string; recipient: string; trace: string }>(
        `SELECT m.sender, d.agent_id AS recipient, m.trace_id AS trace FROM NS.messages m JOIN NS.deliveries d USING (message_id)
         JOIN NS.tasks t ON t.id = m.correlation_id
         WHERE t.agent_id = '${agent}' AND m.correlation_id IN (${await this.above(leaf?.id ?? '', path.length - 1 - index)})`,
      );
      steps.push(`${step?.recipient} (trace ${step?.trace.slice(-12)})`);
    }
    const [message] = await this.store.history.list({ correlationId: id });
    const trace = message ? await this.store.history.trace(message.message) : undefined;
    return [
      `${primes} primes below ${UP_TO}, as counted directly; ${tree.length} tasks in ${(took / 1_000).toFixed(2)} s`,
      `  done by ${LEVELS.map((level) => `${agents(level)} ${level}s`).join(', ')}`,
      `  one path: ${path.join(' → ')}`,
      `  the same by its messages: ${steps.join(' → ')}`,
      `  that trace: ${trace?.messages} messages, ${trace?.completed} completed, ${trace?.agents.length} agents`,
    ].join('\n');
  }

  /** Kills a lead when some of its pieces are done and some are not. */
  async countWithout(expected: number): Promise<Killing> {
    const start = performance.now();
    const id = await this.submit(PIECE_MS);
    const answer = this.tasks.result(id, { answer: PrimesCounted });
    const [victim, before] = await until('a lead in the middle of its part', () => this.inTheMiddle(id), WAIT_MS, 20);
    const killed = performance.now();
    await this.system.app(victim.agent ?? '').kill('SIGKILL');
    const [{ at } = { at: 0 }] = await this.rows<{ at: number }>(
      `SELECT extract(epoch FROM clock_timestamp())::float8 AS at`,
    );
    const { primes } = await answer;
    const end = performance.now();
    const [{ noticed } = { noticed: Number.NaN }] = await this.rows<{ noticed: number }>(
      `SELECT (extract(epoch FROM assigned_at) - ${at})::float8 * 1000 AS noticed FROM NS.tasks WHERE id = '${victim.id}'`,
    );
    const taker = (await this.tasks.find(victim.id))?.agentId;
    const twice = await this.rows(
      `SELECT task FROM NS.notes WHERE what = 'begun' AND agent LIKE 'worker%' AND task IN (${treeOf(id)}) GROUP BY task HAVING count(*) > 1`,
    );
    await this.launch([victim.agent ?? '']);
    await this.complete();
    return {
      id,
      primes,
      took: end - start,
      noticed,
      answered: end - killed,
      again: twice.length,
      told:
        `${victim.agent} killed with ${before.done} of its ${before.all} pieces done; its part went to ${taker} after ${(noticed / 1_000).toFixed(2)} s; ` +
        `${primes} primes (${primes === expected ? 'correct' : `WRONG: ${expected}`}) ${((end - killed) / 1_000).toFixed(2)} s after the kill, ${twice.length} pieces begun twice`,
    };
  }

  /** Cancels a long one at the top. */
  async cancel(): Promise<string> {
    const id = await this.submit(LONG_MS);
    const answer = this.tasks.result(id).catch((error: unknown) => error);
    const noted = () => this.rows(`SELECT task FROM NS.notes WHERE what = 'begun' AND task IN (${treeOf(id)})`);
    const isAtWork = async () => (await noted()).length === LEVELS_AT_WORK + workers.length;
    await until('everybody to be at work', isAtWork, WAIT_MS, 50);
    const before = await this.running(id);
    const tree = await this.tree(id);
    const queued = tree.filter(({ state, started }) => state === 'queued' || (state === 'assigned' && !started)).length;
    const start = performance.now();
    await this.tasks.cancel(id, 'no need any more');
    const took = performance.now() - start;
    if (!((await answer) instanceof TaskCancelledError)) throw new Error('it was not cancelled');
    const running = Object.values(before).reduce((sum, count) => sum + count, 0);
    const stopped = () =>
      this.rows(`SELECT DISTINCT task FROM NS.notes WHERE what = 'stopped' AND task IN (${treeOf(id)})`);
    await until('all to be stopped', async () => (await stopped()).length === running, WAIT_MS, 20);
    const all = performance.now() - start;
    await delay(WATCH_MS);
    const after = await this.tree(id);
    const open = after.filter(({ state }) => state !== 'cancelled').length;
    const late = await this.rows(
      `SELECT n.task FROM NS.notes n, NS.tasks top WHERE top.id = '${id}' AND n.what = 'begun' AND n.at > top.finished_at
         AND n.task IN (${treeOf(id)})`,
    );
    return [
      `cancelled at the top while ${LEVELS.map((level) => `${before[level]} ${level}s`).join(', ')} were at work and ${queued} tasks waited:`,
      `  on record after ${took.toFixed(0)} ms; all ${running} methods had their signals aborted ${all.toFixed(0)} ms after the call`,
      `  ${WATCH_MS / 1_000} s later: ${after.length - open} of ${after.length} tasks cancelled, ${late.length} begun since`,
    ].join('\n');
  }

  async close(): Promise<void> {
    await this.client?.close();
    await this.system.close();
  }

  private async launch(ids: readonly string[]): Promise<void> {
    const [first = ''] = ids;
    await this.system.start(AGENTS, first, SETTINGS, [...ids]);
    await this.system.app(first).ready(WAIT_MS);
  }

  /** Resolves when all agents are known as healthy. */
  private async complete(): Promise<void> {
    const registry = (this.client as INestApplicationContext).get(AgentRegistry);
    const all = processes.flat();
    const healthy = (): Set<string> => new Set(registry.find().map(({ id }) => id));
    await until('all agents', () => all.every((id) => healthy().has(id)), WAIT_MS, 50);
    // the coordinator knows no later than the next heartbeat
    await delay(1_000);
  }

  private get store(): Store {
    return (this.client as INestApplicationContext).get(Store);
  }

  private get tasks(): Tasks {
    return (this.client as INestApplicationContext).get(Tasks);
  }

  private submit(ms: number): Promise<string> {
    return this.tasks.submit(CountPrimes, { from: 0, to: UP_TO, ms }, { to: { role: 'ceo' } });
  }

  private tree(id: string): Promise<TaskRow[]> {
    return this.rows<TaskRow>(
      `SELECT id, split_part(destination, '.', 2) AS level, agent_id AS agent, state, started_at IS NOT NULL AS started
       FROM NS.tasks WHERE id IN (${treeOf(id)}) ORDER BY id`,
    );
  }

  /** The id of the task so many levels above, as a SQL text. */
  private async above(id: string, levels: number): Promise<string> {
    let found = id;
    for (let n = 0; n < levels; n++) found = (await this.tasks.find(found))?.parentId ?? found;
    return `'${found}'`;
  }

  private async running(id: string): Promise<Record<string, number>> {
    const tree = await this.tree(id);
    const at = (level: string): number =>
      tree.filter((task) => task.level === level && task.state === 'assigned' && task.started).length;
    return Object.fromEntries(LEVELS.map((level) => [level, at(level)]));
  }

  private async inTheMiddle(id: string): Promise<[TaskRow, { done: number; all: number }] | undefined> {
    const tree = await this.tree(id);
    for (const lead of tree.filter(
      ({ level, state, started }) => level === 'lead' && state === 'assigned' && started,
    )) {
      const parts = await this.tasks.list({ parentId: lead.id });
      const done = parts.filter(({ state }) => state === 'completed').length;
      if (done >= 3 && done < parts.length) return [lead, { done, all: parts.length }];
    }
    return undefined;
  }

  private rows<Row>(sql: string): Promise<Row[]> {
    return this.store.database.query<Row & object>(sql.replaceAll('NS', this.system.namespace));
  }
}

/** The ids of a task and all below it. */
const treeOf = (id: string): string =>
  `WITH RECURSIVE tree AS (
     SELECT id FROM NS.tasks WHERE id = '${id}' UNION ALL SELECT t.id FROM NS.tasks t JOIN tree ON t.parent_id = tree.id
   ) SELECT id FROM tree`;

const spread = (ms: readonly number[]): string =>
  `${(median(ms) / 1_000).toFixed(2)} s (${(Math.max(...ms) / 1_000).toFixed(2)})`;
