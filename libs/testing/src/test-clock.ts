import type { Clock } from '@sinonjs/fake-timers';
import { optionalPackage } from 'agentmq/protocol';
import { TestSystemError } from './errors.js';
import { every, realNow } from './real-time.js';

/** How often the time goes on by itself. */
const BEAT_MS = 5;
/** Never `setImmediate` or `nextTick`: the bus and the database work by them. */
const FAKED = ['Date', 'performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const;
/** What becomes due within so many ms is brought on in one step, in its order: time enough for a statement, on a true clock. */
const STEP_MS = 50;

/** The clock of this process, which goes on with the real time, and which a test can advance. */
export class TestClock {
  private readonly stopBeats: () => void;
  private last = realNow();
  private advancing = false;

  private constructor(private readonly timers: Clock) {
    this.stopBeats = every(BEAT_MS, () => this.beat());
  }

  /** Rejects with `PackageMissingError`, and with `TestSystemError` where the process has such a clock already. */
  static async install(): Promise<TestClock> {
    const { withGlobal } = await optionalPackage(
      '@sinonjs/fake-timers',
      'TestSystem.create({ clock: true })',
      () => import('@sinonjs/fake-timers'),
    );
    try {
      return new TestClock(
        withGlobal(globalThis).install({ now: Date.now(), toFake: [...FAKED], shouldClearNativeTimers: true }),
      );
    } catch (cause) {
      throw new TestSystemError('the clock of this process is a test clock already: close that system first', {
        cause,
      });
    }
  }

  /** Fires each timer at its time, and lets what it sets off come to its end, by `settled`, before the time goes on. */
  async advance(ms: number, settled: () => Promise<void>): Promise<void> {
    if (!(Number.isFinite(ms) && ms >= 0)) throw new TestSystemError(`advance: ${ms} is no time in ms`);
    if (this.advancing) throw new TestSystemError('advance: await the one before');
    this.advancing = true;
    try {
      const end = this.timers.now + ms;
      this.timers.setTimeout(() => undefined, ms);
      for (await settled(); this.timers.now < end; await settled()) {
        this.timers.next();
        this.timers.tick(Math.min(STEP_MS, end - this.timers.now));
      }
    } finally {
      this.advancing = false;
      this.last = realNow();
    }
  }

  uninstall(): void {
    this.stopBeats();
    this.timers.uninstall();
  }

  private beat(): void {
    if (this.advancing) return;
    const now = realNow();
    const passed = Math.floor(now - this.last);
    this.last += passed;
    this.timers.tick(passed);
  }
}
