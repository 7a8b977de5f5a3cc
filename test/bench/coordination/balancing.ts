import { Distribution } from 'agentmq/coordination';
import { AgentRegistry } from 'agentmq/agent';
import pMap from 'p-map';
import { Done, Piece } from '../../e2e/apps/crew-contracts.js';
import { Crew, type Member, QUICK } from '../../e2e/crew.js';
import { until } from '../../support/index.js';
import { decimal, markdownTable } from '../compare/table.js';
import type { Mode } from '../mode.js';
import { median, rounded } from '../statistics.js';

const WORK = 1_000;
const CONCURRENCY = 4;
const SLOWNESS = 5;
/** Requests out at once: twice what the workers do at once. */
const OUTSTANDING = 32;
const WAIT_MS = 60_000;
const STRATEGIES = ['round-robin', 'least-loaded', 'power-of-two'];
const SLOW = 'w4';
const workers = ['w1', 'w2', 'w3', SLOW];

/** How work is given out. */
interface Way {
  readonly title: string;
  /** How long a piece takes, in ms; at the slow worker five times that. */
  readonly ms: number;
  /** Does all of it; resolves with who has done each piece. */
  readonly run: (crew: Crew, work: readonly Piece[], strategy: string) => Promise<readonly Done[]>;
}

const ofTasks: Way = {
  title: 'tasks',
  ms: 100,
  run: async (crew, work, strategy) => {
    const ids = await crew.tasks.submitAll(Piece, work, { to: { role: 'worker' }, strategy });
    return Promise.all(ids.map((id) => crew.tasks.result(id, { answer: Done })));
  },
};

const ways: readonly Way[] = [
  {
    title: `requests, ${OUTSTANDING} outstanding`,
    ms: 10,
    run: (crew, work, strategy) =>
      pMap(
        work,
        (piece) => crew.agent.get(Distribution).request({ role: 'worker' }, Piece, piece, { strategy, answer: Done }),
        { concurrency: OUTSTANDING },
      ),
  },
  ofTasks,
];

async function start(crew: Crew): Promise<void> {
  const team = workers.map((id): Member => ({
    id,
    role: 'worker',
    slowness: id === SLOW ? SLOWNESS : 1,
    concurrency: CONCURRENCY,
  }));
  await crew.start([{ id: 'c1', role: 'coordinator' }, ...team]);
  const registry = crew.agent.get(AgentRegistry);
  await until('all workers to be known', () => registry.find({ role: 'worker' }).length === workers.length, WAIT_MS);
}

/** Tasks alone, least-loaded, once: how much longer they take than with every place at work from the first to the last. */
export const unevenTasksMode: Mode = {
  name: 'tasks-uneven',
  about: `${WORK} tasks for four workers, one of which is five times slower, beside the best there is`,
  async run({ report }) {
    const crew = new Crew(QUICK);
    try {
      await start(crew);
      const { ms, run } = ofTasks;
      const work = Array.from({ length: WORK }, (_, n): Piece => ({ n, ms }));
      await run(crew, work.slice(0, WORK / 10), 'least-loaded');
      const begun = performance.now();
      await run(crew, work, 'least-loaded');
      const took = performance.now() - begun;
      const ideal = (WORK * ms) / (CONCURRENCY * (workers.length - 1 + 1 / SLOWNESS));
      report(`${took.toFixed(0)} ms, ${ideal.toFixed(0)} at best`);
      return {
        measures: {},
        ratios: { uneven_tasks_over_ideal: rounded(took / ideal) },
        text: markdownTable(
          ['', 'took', 'at best', '÷ best'],
          [[`${WORK} tasks of ${ms} ms`, `${took.toFixed(0)} ms`, `${ideal.toFixed(0)} ms`, decimal(took / ideal, 2)]],
        ),
      };
    } finally {
      await crew.close();
    }
  },
};

/**
 * A thousand pieces of work that only wait, five times longer at one of the four workers, which are processes of their own.
 * All strategies in each round, each round beginning with another; ratios are of one round.
 */
export async function measureBalancing(rounds: number, report: (text: string) => void): Promise<string> {
  const crew = new Crew(QUICK);
  const rows: string[] = [];
  try {
    await start(crew);
    for (const { title, ms, run } of ways) {
      const work = Array.from({ length: WORK }, (_, n): Piece => ({ n, ms }));
      for (const strategy of STRATEGIES) await run(crew, work.slice(0, WORK / 10), strategy);
      const times = new Map<string, number[]>(STRATEGIES.map((strategy) => [strategy, []]));
      const shares = new Map<string, number[]>(STRATEGIES.map((strategy) => [strategy, []]));
      for (let round = 0; round < rounds; round++) {
        for (const strategy of STRATEGIES.map((_, n) => STRATEGIES[(n + round) % STRATEGIES.length] as string)) {
          const start = performance.now();
          const done = await run(crew, work, strategy);
          const took = performance.now() - start;
          const counts = workers.map((id) => done.filter(({ by }) => by === id).length);
          if (new Set(done.map(({ n }) => n)).size !== WORK) throw new Error('not every piece was done');
          times.get(strategy)?.push(took);
          shares.get(strategy)?.push(counts[workers.indexOf(SLOW)] ?? 0);
          report(`${title}, ${strategy}: ${took.toFixed(0)} ms; done by ${workers.join(', ')}: ${counts.join(', ')}`);
        }
      }
      const reference = times.get('round-robin') ?? [];
      for (const strategy of STRATEGIES) {
        const own = times.get(strategy) ?? [];
        const ratios = own.map((time, round) => time / (reference[round] ?? Number.NaN));
        const cells = [
          title,
          `${ms} ms, ${SLOWNESS * ms} ms`,
          strategy,
          `${(median(own) / 1_000).toFixed(2)} s`,
          `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
          `${median(shares.get(strategy) ?? [])} of ${WORK}`,
        ];
        rows.push(`| ${cells.join(' | ')} |`);
      }
    }
  } finally {
    await crew.close();
  }
  const columns = [
    'work',
    'strategy',
    'time, median',
    'x round-robin, of one round',
    'done by the slow worker, median',
  ];
  return [`| ${columns.join(' | ')} |`, '|---|---|---|---:|---:|---:|', ...rows].join('\n');
}
