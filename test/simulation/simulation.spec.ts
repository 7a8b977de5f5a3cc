import { expect, it } from '@jest/globals';
import { ELECTION_TIMEOUT, SETTLED_WITHIN } from './schedule.js';
import { settledWithin } from './summary.js';
import { checkInWorkers } from './workers.js';

const SCHEDULES = 20_000;

it(`keeps the promises of the election in ${SCHEDULES} schedules of faults`, async () => {
  const { summary, failure } = await checkInWorkers({ schedules: SCHEDULES, seed: 1, workers: 1 });
  if (failure !== undefined) throw new Error(failure);
  expect(summary.schedules).toBe(SCHEDULES);
  expect(settledWithin(summary, 1)).toBeLessThanOrEqual(SETTLED_WITHIN / ELECTION_TIMEOUT);
  // or the faults were too mild to try anything
  expect(summary.elections).toBeGreaterThan(2 * SCHEDULES);
  expect(summary.refused).toBeGreaterThan(SCHEDULES / 50);
}, 180_000);
