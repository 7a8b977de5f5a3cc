import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { describe, type Summary } from './summary.js';
import { checkInWorkers } from './workers.js';

const PROGRESS_EVERY = 50_000;

interface Options {
  readonly schedules: number;
  readonly seed: number;
  readonly workers: number;
}

const { schedules, seed, workers } = new Command('npm run simulate --')
  .description('Runs the election under simulated faults, and checks its invariants after every event.')
  .option('--schedules <n>', 'how many', wholeNumber, 100_000)
  .option(
    '--seed <n>',
    'the same schedules for the same seed; random if not given',
    wholeNumber,
    Date.now() % 1_000_000,
  )
  .option('--workers <n>', 'processes', wholeNumber, availableParallelism())
  .parse()
  .opts<Options>();

const began = performance.now();
const seconds = (): number => (performance.now() - began) / 1_000;
const progress = (summary: Summary): void => {
  if (summary.schedules % PROGRESS_EVERY > 0) return;
  console.log(`${summary.schedules} schedules, ${summary.elections} elections, ${seconds().toFixed(0)} s`);
};

console.log(`${schedules} schedules, seed ${seed}, ${workers} workers`);
const { summary, failure } = await checkInWorkers({ schedules, seed, workers, progress });
console.log(describe(summary, seconds()));
if (failure !== undefined) {
  console.error(`\n${failure}`);
  process.exitCode = 1;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('not a whole number of 1 or more');
  return Number(text);
}
