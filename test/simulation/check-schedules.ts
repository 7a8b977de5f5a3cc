import * as fc from 'fast-check';
import { Violation } from './invariants.js';
import { type Schedule, schedules } from './schedule.js';
import { simulate } from './simulate.js';
import { count, emptySummary, type Summary } from './summary.js';

export interface Checked {
  readonly summary: Summary;
  /** The smallest schedule found that breaks an invariant, with its seed and all that happened; undefined: none does. */
  readonly failure: string | undefined;
}

/** Runs so many schedules, the same for the same seed, until one breaks an invariant. */
export function checkSchedules(number: number, seed: number): Checked {
  const summary = emptySummary();
  let failed = false;
  const property = fc.property(schedules, (schedule) => {
    try {
      const outcome = simulate(schedule);
      if (!failed) count(summary, schedule, outcome);
    } catch (error) {
      failed = true;
      throw error;
    }
  });
  const { counterexample, counterexamplePath, numRuns, numShrinks } = fc.check(property, { numRuns: number, seed });
  if (!counterexample) return { summary, failure: undefined };
  const from = [
    `schedule ${numRuns} of seed ${seed}; again: npm run simulate -- --seed ${seed} --schedules ${numRuns}`,
    `path ${counterexamplePath}, made smaller ${numShrinks} times`,
  ].join('\n');
  return { summary, failure: `${from}\n${retell(counterexample[0])}` };
}

/** The schedule, what happened in it, line by line, and the invariant that it breaks. */
export function retell(schedule: Schedule): string {
  const trace: string[] = [];
  let end = 'no invariant is broken';
  try {
    simulate(schedule, trace);
  } catch (error) {
    end = error instanceof Violation ? `BROKEN (${error.invariant}): ${error.message}` : String(error);
  }
  return [JSON.stringify(schedule), ...trace, end].join('\n');
}
