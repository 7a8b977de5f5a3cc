import { setTimeout as delay } from 'node:timers/promises';
import { ScaledCrew } from '../../e2e/scaled-crew.js';

const TASKS = 2_000;
const MAX = 6;
const CONCURRENCY = 2;
const TARGET_BACKLOG = 50;
const COOL_DOWN = 5;
const SAMPLE_MS = 1_000;
/** From 50 to 100 ms. */
const taskMs = (n: number): number => 50 + ((n * 37) % 51);

/** A moment, in s from the submission on. */
interface Sample {
  readonly at: number;
  readonly backlog: number;
  readonly workers: number;
  readonly desired: number;
  readonly processes: number;
}

interface Ended {
  readonly state: string;
  readonly tasks: number;
  readonly failures: number;
  readonly again: number;
  readonly agents: number;
}

/**
 * A backlog of slow tasks, over RabbitMQ and Postgres, and a coordinator that scales one worker to six processes, and back to
 * one when all is done. Answers a table of how many workers there were when, and what became of the tasks.
 */
export async function measureScaling(report: (text: string) => void): Promise<string> {
  const scaled = new ScaledCrew({
    max: MAX,
    concurrency: CONCURRENCY,
    targetBacklog: TARGET_BACKLOG,
    coolDown: COOL_DOWN,
  });
  const samples: Sample[] = [];
  try {
    await scaled.coordinate('c1');
    await scaled.crew.start([]);
    await scaled.workersAre('c1', 1);
    report(
      `1 worker of at most ${MAX}, each ${CONCURRENCY} tasks at once; one for each ${TARGET_BACKLOG} of backlog; cool-down ${COOL_DOWN} s`,
    );
    const begun = performance.now();
    await scaled.submit(TASKS, taskMs);
    report(`${TASKS} tasks of 50 to 100 ms submitted`);
    for (let grown = false, done = false; !done; await delay(SAMPLE_MS)) {
      const { backlog, workers, desired } = await scaled.scale('c1');
      const processes = scaled.processes().length;
      const at = (performance.now() - begun) / 1_000;
      samples.push({ at, backlog, workers, desired, processes });
      report(`${at.toFixed(1)} s: backlog ${backlog}, ${workers} workers (${desired} wanted, ${processes} processes)`);
      grown ||= workers === MAX;
      done = grown && backlog === 0 && workers === 1 && processes === 1;
    }
    const ended = await scaled.crew.rows<Ended>(
      `SELECT state, count(*)::integer AS tasks, sum(failures)::integer AS failures,
         (count(*) FILTER (WHERE attempt > 1))::integer AS again, count(DISTINCT agent_id)::integer AS agents
       FROM NS.tasks GROUP BY state`,
    );
    return [
      tableOf(samples),
      '',
      ...ended.map(
        ({ state, tasks, failures, again, agents }) =>
          `${tasks} of ${TASKS} tasks ${state}, by ${agents} workers; ${failures} failures; ${again} were assigned more than once`,
      ),
    ].join('\n');
  } finally {
    await scaled.close();
  }
}

function tableOf(samples: readonly Sample[]): string {
  const rows = samples.map(
    ({ at, backlog, workers, desired, processes }) =>
      `| ${at.toFixed(1)} | ${backlog} | ${workers} | ${desired} | ${processes} |`,
  );
  return ['| s | backlog | workers | wanted | processes |', '| --: | --: | --: | --: | --: |', ...rows].join('\n');
}
