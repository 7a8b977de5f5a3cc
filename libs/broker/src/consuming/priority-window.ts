import { DEFAULT_PRIORITY, MAX_PRIORITY } from 'agentmq/protocol';
import { Fifo } from './fifo.js';

/** What was fetched and waits for a free handler: handed out by priority, highest first, then by arrival. */
export class PriorityWindow<T> {
  private readonly levels = Array.from({ length: MAX_PRIORITY + 1 }, () => new Fifo<T>());
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** A priority that is missing counts as the default, one that is out of range as the nearest that is in it. */
  push(item: T, priority: number | undefined): void {
    const level = Math.min(Math.max(Math.trunc(priority ?? DEFAULT_PRIORITY), 0), MAX_PRIORITY) || 0;
    this.levels[level]?.push(item);
    this.count++;
  }

  take(): T | undefined {
    if (this.count === 0) return undefined;
    const level = this.levels.findLast((level) => level.size > 0);
    this.count--;
    return level?.shift();
  }

  filter(keep: (item: T) => boolean): void {
    for (const level of this.levels) level.filter(keep);
    this.count = this.levels.reduce((sum, level) => sum + level.size, 0);
  }
}
