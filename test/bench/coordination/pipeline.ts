import { AgentRegistry } from 'agentmq/agent';
import type { PipelineStage } from 'agentmq/coordination';
import { Reported } from '../../e2e/apps/line-contracts.js';
import { Line, STAGES } from '../../e2e/line.js';
import { until } from '../../support/index.js';
import { median } from '../statistics.js';

const RUNS = 80;
/** One after the other they take long. */
const RUNS_ALONE = 10;
/** What the stages cost, in ms. */
const TIMES = [20, 80, 160, 40];
/** In proportion to that. */
const CONCURRENCY = [2, 8, 16, 4];
const AT_ONCE = 16;
const WAIT_MS = 60_000;

interface Way {
  readonly title: string;
  readonly stages: readonly PipelineStage[];
  readonly alone?: boolean;
}

const withTerms = (concurrency: (place: number) => number | undefined, buffer?: number): readonly PipelineStage[] =>
  STAGES.map((stage, place) => {
    const most = concurrency(place);
    return {
      ...stage,
      ...(most === undefined ? {} : { concurrency: most }),
      ...(buffer === undefined || place === 0 ? {} : { buffer }),
    };
  });

const ways: readonly Way[] = [
  { title: 'one run after the other', stages: STAGES, alone: true },
  { title: 'one at a time in each stage', stages: withTerms(() => 1) },
  { title: 'the same, buffers of 5', stages: withTerms(() => 1, 5) },
  { title: `${CONCURRENCY.join(', ')} at a time`, stages: withTerms((place) => CONCURRENCY[place]) },
  { title: 'the same, buffers of 20', stages: withTerms((place) => CONCURRENCY[place], 20) },
];

/** The most of the runs that were in a stage at once, in the order of stages. */
interface Crowd {
  readonly waiting: readonly number[];
  readonly atWork: readonly number[];
}

/**
 * A coordinator, a desk for the first and the last stage, and two workers for the others, as processes; and this process, which
 * starts the runs, all at once, and waits for their results. Stages wait; each writes a row in a transaction.
 */
export async function measurePipeline(rounds: number, report: (text: string) => void): Promise<string> {
  const line = new Line(AT_ONCE);
  const rows: string[] = [];
  try {
    await line.start(['coordinator-1', 'desk-1', 'worker-1', 'worker-2']);
    const registry = line.agent.get(AgentRegistry);
    await until('all to be known', () => registry.find({}).length === 5, WAIT_MS);
    for (const [n, { stages }] of ways.entries()) line.pipelines.define(`way-${n}`, stages);
    await rate(line, 'way-3', RUNS_ALONE, false);
    for (const [n, { title, alone = false }] of ways.entries()) {
      const rates: number[] = [];
      const crowds: Crowd[] = [];
      for (let round = 0; round < rounds; round++) {
        const found = await rate(line, `way-${n}`, alone ? RUNS_ALONE : RUNS, alone);
        rates.push(found.rate);
        crowds.push(found.crowd);
        const { waiting, atWork } = found.crowd;
        report(
          `${title}: ${found.rate.toFixed(1)} runs/s; waiting ${waiting.join(', ')}; at work ${atWork.join(', ')}`,
        );
      }
      const most = (of: (crowd: Crowd) => readonly number[]): string =>
        STAGES.map((_, stage) => Math.max(...crowds.map((crowd) => of(crowd)[stage] ?? 0))).join(', ');
      const cells = [
        title,
        `${median(rates).toFixed(1)} (${Math.min(...rates).toFixed(1)}–${Math.max(...rates).toFixed(1)})`,
        most(({ atWork }) => atWork),
        most(({ waiting }) => waiting),
      ];
      rows.push(`| ${cells.join(' | ')} |`);
    }
  } finally {
    await line.close();
  }
  const columns = ['way', 'runs/s, median (least–most)', 'most at work in each stage', 'most waiting for each stage'];
  return [`| ${columns.join(' | ')} |`, '|---|---:|---:|---:|', ...rows].join('\n');
}

async function rate(
  line: Line,
  pipeline: string,
  runs: number,
  alone: boolean,
): Promise<{ readonly rate: number; readonly crowd: Crowd }> {
  await line.rows('TRUNCATE NS.effects');
  const inputs = Array.from({ length: runs }, (_, n) => ({ n, times: TIMES, by: [] }));
  const ids: string[] = [];
  const start = performance.now();
  for (const input of alone ? inputs : []) {
    const id = await line.pipelines.start(pipeline, input);
    await line.pipelines.result(id);
    ids.push(id);
  }
  if (!alone) ids.push(...(await Promise.all(inputs.map((input) => line.pipelines.start(pipeline, input)))));
  const done = await Promise.all(ids.map((id) => line.pipelines.result(id, { answer: Reported })));
  const took = performance.now() - start;
  const [effects] = await line.rows<{ count: number }>('SELECT count(*)::integer FROM NS.effects');
  if (new Set(done.map(({ n }) => n)).size !== runs || effects?.count !== runs * STAGES.length)
    throw new Error('not every stage of every run was done once');
  const crowd = {
    waiting: await most(line, ids, 'created_at', 'assigned_at'),
    atWork: await most(line, ids, 'started_at', 'finished_at'),
  };
  return { rate: (runs * 1_000) / took, crowd };
}

/** The most stages of the runs that were between the two at once, of each stage. */
async function most(line: Line, ids: readonly string[], from: string, to: string): Promise<number[]> {
  const rows = await line.rows<{ key: string; most: number }>(
    `SELECT key, max(count)::integer AS most FROM (
       SELECT key, sum(step) OVER (PARTITION BY key ORDER BY at, step) AS count FROM (
         SELECT key, ${from} AS at, 1 AS step, parent_id FROM NS.tasks
         UNION ALL SELECT key, ${to}, -1, parent_id FROM NS.tasks
       ) moves WHERE parent_id = ANY('{${ids.join(',')}}')
     ) counts GROUP BY key`,
  );
  return STAGES.map(({ name }) => rows.find(({ key }) => key === name)?.most ?? 0);
}
