import type { AppProcess } from '../../support/index.js';
import { Deployment, ended, submit } from '../../e2e/deployment.js';
import type { Mode } from '../mode.js';
import { median, rounded } from '../statistics.js';
import { decimal, markdownTable } from '../compare/table.js';

const APPS = ['coordinator', 'specialist', 'worker'];
const TASKS = 100;
const WARM = 20;
const WAIT_MS = 60_000;
/** Between two looks at the task. */
const PAUSE_MS = 2;
const CSV = 'a,b\n1,2\n';

/** The stock apps, one of each, and a client that posts a table of two lines, follows it and reads its result, one after the other. */
export const tasksOverHttpMode: Mode = {
  name: 'tasks-http',
  about: 'from POST /tasks of a two-line CSV to its result over HTTP',
  async run({ report }) {
    const system = new Deployment();
    try {
      for (const app of APPS) await system.start(app, app);
      for (const app of APPS) await system.app(app).ready(WAIT_MS);
      const times: number[] = [];
      for (let n = 0; n < WARM + TASKS; n++) {
        const took = await time(system.app('coordinator'));
        if (n >= WARM) times.push(took);
      }
      const p50 = median(times);
      report(`${TASKS} over HTTP: ${p50.toFixed(1)} ms`);
      return {
        measures: {},
        ratios: { task_http_p50_ms: rounded(p50) },
        text: markdownTable(
          ['', `p50 of ${TASKS}`],
          [['POST /tasks of a two-line CSV to its result', `${decimal(p50, 1)} ms`]],
        ),
      };
    } finally {
      await system.close();
    }
  },
};

async function time(coordinator: AppProcess): Promise<number> {
  const start = performance.now();
  const id = await submit(coordinator, { type: 'data_analysis', payload: { csv: CSV } });
  const events = await fetch(`${coordinator.url}/tasks/${id}/events`);
  // they end with the task
  await events.text();
  const { state, error } = await ended(coordinator, id, PAUSE_MS);
  if (state !== 'completed') throw new Error(`the task is ${state}: ${JSON.stringify(error)}`);
  return performance.now() - start;
}
