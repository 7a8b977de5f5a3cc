import { checkSchedules } from './check-schedules.js';

/** A part of a long run. */
export interface Batch {
  readonly schedules: number;
  readonly seed: number;
}

process.on('message', ({ schedules, seed }: Batch) => process.send?.(checkSchedules(schedules, seed)));
