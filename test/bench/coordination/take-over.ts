import { COORDINATORS } from 'agentmq/coordination';
import { Done, Job } from '../../e2e/apps/crew-contracts.js';
import { Crew, type Member, QUICK } from '../../e2e/crew.js';
import { until } from '../../support/index.js';
import { median } from '../statistics.js';

const TASKS = 200;
const TASK_MS = 300;
const CONCURRENCY = 4;
const WAIT_MS = 60_000;
const coordinators: readonly Member[] = ['c1', 'c2', 'c3'].map((id) => ({ id, role: 'coordinator' }));
const workers: readonly Member[] = ['w1', 'w2', 'w3'].map((id) => ({ id, role: 'worker', concurrency: CONCURRENCY }));

interface Setting {
  readonly title: string;
  readonly env: Readonly<Record<string, string>>;
  /** Who is killed. */
  readonly victim: 'leader' | 'worker';
}

const settings: readonly Setting[] = [
  { title: 'the leader; default settings', env: {}, victim: 'leader' },
  { title: 'the leader; heartbeat 0.1 s, election time-out 0.5 s', env: QUICK, victim: 'leader' },
  { title: 'a worker; heartbeat 1 s, agent time-out 3 s', env: QUICK, victim: 'worker' },
];

/** One kill. Times are by the database's clock, in ms after it. */
interface Killing {
  readonly open: { readonly queued: number; readonly waiting: number; readonly begun: number };
  /** When the next leader was on record; not for a worker. */
  readonly led?: number;
  /** When the first task was assigned that had to be: by the next leader, or anew. */
  readonly assigned: number;
  /** When the first result of those was recorded. */
  readonly result: number;
  /** When the last task was answered. */
  readonly answered: number;
  /** Tasks without an answer, with another number of effects than one, or with an effect that is not their result's. */
  readonly wrong: number;
}

/**
 * Three coordinators, three workers, and the process that gives the work and waits for the answers. Of 200 tasks, each of
 * 300 ms and one row in a transaction, some are begun when one of the processes is killed; it is started again afterwards.
 */
export async function measureTakeOver(rounds: number, report: (text: string) => void): Promise<string> {
  const rows: string[] = [];
  for (const { title, env, victim } of settings) {
    const crew = new Crew(env);
    try {
      await crew.start([...coordinators, ...workers]);
      const undisturbed = await withoutDeath(crew);
      report(`${title}: ${undisturbed.toFixed(0)} ms undisturbed`);
      const killings: Killing[] = [];
      for (let round = 0; round < rounds; round++) {
        const killing = await kill(crew, victim, (round + 1) * TASKS);
        report(
          `${title}: ${JSON.stringify(killing, (_, value: unknown) => (typeof value === 'number' ? Math.round(value) : value))}`,
        );
        killings.push(killing);
      }
      rows.push(rowOf(title, undisturbed, killings));
    } finally {
      await crew.close();
    }
  }
  const columns = [
    'killed',
    'queued, with agents, begun at the kill',
    'the next leader',
    'first new assignment',
    'first result of one',
    'last answer',
    'without a kill',
    'not answered, or not once',
  ];
  return [`| ${columns.join(' | ')} |`, `|---|${'---:|'.repeat(columns.length - 1)}`, ...rows].join('\n');
}

function rowOf(title: string, undisturbed: number, killings: readonly Killing[]): string {
  const seconds = (ms: number): string => (ms / 1_000).toFixed(2);
  const times = (of: (killing: Killing) => number | undefined): string => {
    const found = killings.flatMap((killing) => of(killing) ?? []);
    return found.length === 0 ? '–' : `${seconds(median(found))} s (${seconds(Math.max(...found))})`;
  };
  const open = (['queued', 'waiting', 'begun'] as const).map((kind) => median(killings.map((each) => each.open[kind])));
  return `| ${[
    title,
    open.join(', '),
    times(({ led }) => led),
    times(({ assigned }) => assigned),
    times(({ result }) => result),
    times(({ answered }) => answered),
    `${seconds(undisturbed)} s`,
    `${killings.reduce((sum, { wrong }) => sum + wrong, 0)} of ${killings.length * TASKS}`,
  ].join(' | ')} |`;
}

const submit = (crew: Crew, first: number): Promise<string[]> =>
  crew.tasks.submitAll(
    Job,
    Array.from({ length: TASKS }, (_, n) => ({ n: first + n, ms: TASK_MS })),
    { to: { role: 'worker' } },
  );

async function withoutDeath(crew: Crew): Promise<number> {
  const start = performance.now();
  const ids = await submit(crew, 0);
  await Promise.all(ids.map((id) => crew.tasks.result(id)));
  return performance.now() - start;
}

async function kill(crew: Crew, victim: Setting['victim'], first: number): Promise<Killing> {
  const ids = await submit(crew, first);
  const of = `id IN (${ids.map((id) => `'${id}'`).join(', ')})`;
  const answers = Promise.all(
    ids.map(async (id) =>
      crew.tasks.result(id, { answer: Done }).then(
        (done) => done,
        () => undefined,
      ),
    ),
  );
  const open = await until('all workers to have begun', () => begun(crew, of), WAIT_MS, 5);
  const before = await crew.leader();
  const id = victim === 'leader' ? (before ?? '') : 'w1';
  // what the victim had, and when that was, a moment before
  const [{ at } = { at: Number.NaN }] = await crew.rows<{ at: number }>(`SELECT ${ms('clock_timestamp()')} AS at`);
  const killedAt = performance.now();
  await crew.system.app(id).kill('SIGKILL');
  const lost = await crew.rows<{ id: string }>(
    `SELECT id FROM NS.tasks WHERE ${of} AND state = 'assigned' AND agent_id = '${id}'`,
  );
  const done = await answers;
  const answered = performance.now() - killedAt;
  const led = victim === 'leader' ? await leaderAfter(crew, before) : undefined;
  const which =
    led === undefined
      ? `t.id IN ('${lost.map((task) => task.id).join(`', '`)}')`
      : `t.assigned_at > to_timestamp(${led} / 1000.0)`;
  const [found] = await crew.rows<{ assigned: number; result: number }>(
    `SELECT ${ms('min(assigned_at)')} AS assigned, ${ms('min(finished_at)')} AS result FROM NS.tasks t WHERE ${of} AND ${which}`,
  );
  const effects = await crew.rows<{ n: number; agent: string }>(
    `SELECT n, agent FROM NS.effects WHERE n >= ${first} AND n < ${first + TASKS}`,
  );
  const isOnce = (n: number, by: string | undefined): boolean => {
    const own = effects.filter((effect) => effect.n === n);
    return own.length === 1 && own[0]?.agent === by;
  };
  const wrong = done.filter((each, index) => each?.n !== first + index || !isOnce(first + index, each.by)).length;
  await crew.launch([...coordinators, ...workers].find((member) => member.id === id) as Member);
  return {
    open,
    ...(led === undefined ? {} : { led: led - at }),
    assigned: (found?.assigned ?? Number.NaN) - at,
    result: (found?.result ?? Number.NaN) - at,
    answered,
    wrong,
  };
}

/** Undefined until all workers have begun what they can do at once. */
async function begun(crew: Crew, of: string): Promise<Killing['open'] | undefined> {
  const [open] = await crew.rows<Killing['open']>(
    `SELECT count(*) FILTER (WHERE state = 'queued')::integer AS queued,
       count(*) FILTER (WHERE state = 'assigned' AND started_at IS NULL)::integer AS waiting,
       count(*) FILTER (WHERE state = 'assigned' AND started_at IS NOT NULL)::integer AS begun
     FROM NS.tasks WHERE ${of}`,
  );
  return open && open.begun >= workers.length * CONCURRENCY ? open : undefined;
}

/** When the leader after that one was on record. */
async function leaderAfter(crew: Crew, before: string | undefined): Promise<number> {
  const [row] = await crew.rows<{ at: number }>(
    `SELECT ${ms('elected_at')} AS at FROM NS.leaderships WHERE group_name = '${COORDINATORS}' AND leader <> '${before}'`,
  );
  return row?.at ?? Number.NaN;
}

const ms = (time: string): string => `(extract(epoch FROM ${time}) * 1000)::float8`;
