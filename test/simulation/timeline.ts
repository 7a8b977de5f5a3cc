import { EventQueue } from './event-queue.js';
import { Violation } from './invariants.js';
import { randomFrom } from './random.js';

/** Some thirty times what is usual. */
const MOST_EVENTS = 30_000;

/** Virtual time in ms, what happens in it, and chance: the same again for the same seed. */
export class Timeline {
  now = 0;
  events = 0;
  readonly random: () => number;
  private readonly queue = new EventQueue();

  constructor(
    seed: number,
    private readonly trace: string[] | undefined,
  ) {
    this.random = randomFrom(seed);
  }

  at(time: number, run: () => void): void {
    this.queue.push(time, run);
  }

  after(delay: number, run: () => void): void {
    this.queue.push(this.now + delay, run);
  }

  /** Lets things happen until `ended`. Throws `Violation` when that takes very many events. */
  run(ended: () => boolean): void {
    while (!ended()) {
      if (this.events >= MOST_EVENTS) throw new Violation('at_rest', `more than ${MOST_EVENTS} events`);
      const { at, run } = this.queue.pop();
      this.now = at;
      this.events++;
      run();
    }
  }

  log(text: () => string): void {
    this.trace?.push(`${this.now.toFixed(0).padStart(6)}  ${text()}`);
  }
}
