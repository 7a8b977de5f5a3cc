import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Checked } from './check-schedules.js';
import { add, emptySummary, type Summary } from './summary.js';
import type { Batch } from './worker.js';

const BATCH = 5_000;

export interface Run {
  readonly schedules: number;
  /** Each batch has a seed of its own, from this one on. */
  readonly seed: number;
  /** Processes. */
  readonly workers: number;
  /** Called after each batch with what came of all so far. */
  readonly progress?: (summary: Summary) => void;
}

/**
 * Checks so many schedules in processes of the build, where they are several times as fast as inside Jest. Ends early
 * once one has failed. Rejects when a worker ends before its time.
 */
export async function checkInWorkers({ schedules, seed, workers, progress }: Run): Promise<Checked> {
  const summary = emptySummary();
  let failure: string | undefined;
  let begun = 0;

  const employ = async (worker: ChildProcess): Promise<void> => {
    const exit = once(worker, 'exit').then(() => Promise.reject(new Error('a worker has ended too early')));
    exit.catch(() => undefined);
    while (begun < schedules && failure === undefined) {
      const batch: Batch = { schedules: Math.min(BATCH, schedules - begun), seed: seed + begun };
      begun += batch.schedules;
      const answer = once(worker, 'message');
      worker.send(batch);
      const [checked] = (await Promise.race([answer, exit])) as [Checked];
      add(summary, checked.summary);
      failure ??= checked.failure;
      progress?.(summary);
    }
    worker.disconnect();
  };

  const script = resolve('dist/test/simulation/worker.js');
  await Promise.all(Array.from({ length: workers }, () => employ(fork(script, { execArgv: [] }))));
  return { summary, failure };
}
