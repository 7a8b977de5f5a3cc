import type { Weather } from './schedule.js';

/** Whether the schedule's weather strikes, for those that it holds for. */
export class Trouble {
  /** Those that it holds for, as a set of members. */
  whom = 0;

  constructor(
    private readonly weather: Weather,
    private readonly random: () => number,
  ) {}

  /** @param members As a set: it can strike if it holds for one of them. */
  strikes(kind: keyof Weather, members: number): boolean {
    const share = this.weather[kind];
    return share > 0 && (this.whom & members) !== 0 && this.random() * 100 < share;
  }
}
