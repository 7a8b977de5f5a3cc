import { HandlerTimeoutError } from '../../errors.js';
import type { Attempt } from '../handlers/attempt.js';

interface Running {
  readonly attempt: Attempt;
  readonly endsAt: number;
  readonly reject: (error: Error) => void;
}

/** The time limits of what one consumer's handlers have under way. One timer for all of them, set for the earliest end. */
export class TimeLimits {
  /** By limit: of all with the same limit, the first to begin is the first whose time is over. */
  private readonly running = new Map<number, Set<Running>>();
  private timer: NodeJS.Timeout | undefined;
  private dueAt = Infinity;

  /**
   * Settles as `work` does, or rejects with `HandlerTimeoutError` when that has not ended `limitMs` after it began. What then still runs
   * has seen its signal abort, and is not waited for.
   */
  within<T>(limitMs: number, begunAt: number, attempt: Attempt, work: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const endsAt = begunAt + limitMs;
      const entry: Running = { attempt, endsAt, reject };
      const entries = this.running.get(limitMs) ?? new Set();
      this.running.set(limitMs, entries.add(entry));
      if (endsAt < this.dueAt) this.lookAt(endsAt);
      work.then(
        (result) => {
          entries.delete(entry);
          resolve(result);
        },
        (error: unknown) => {
          entries.delete(entry);
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- as the handler has thrown it
          reject(error);
        },
      );
    });
  }

  /** Aborts the signal of everything that is under way. */
  abort(reason: Error): void {
    for (const entries of this.running.values()) for (const { attempt } of entries) attempt.abort(reason);
  }

  private lookAt(endsAt: number): void {
    clearTimeout(this.timer);
    this.dueAt = endsAt;
    this.timer = setTimeout(() => this.look(), Math.max(0, endsAt - performance.now())).unref();
  }

  private look(): void {
    const now = performance.now();
    this.dueAt = Infinity;
    for (const [limitMs, entries] of this.running) {
      for (const entry of entries) {
        if (entry.endsAt > now) {
          if (entry.endsAt < this.dueAt) this.lookAt(entry.endsAt);
          break;
        }
        entries.delete(entry);
        const error = new HandlerTimeoutError(limitMs);
        entry.attempt.abort(error);
        entry.reject(error);
      }
    }
  }
}
