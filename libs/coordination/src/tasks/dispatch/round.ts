import type { Strategy } from '../../balancing/strategy.js';
import { Alarm } from './alarm.js';

/** What one term of leading remembers. */
export class Round extends Alarm {
  /** Keys of tasks whose agent has no room, as `DispatchStore.queued` takes them: left out until the next rest. */
  readonly passedOver = new Set<string>();
  /** Whether there are more old tasks than were deleted at once. */
  hasMoreToForget = false;
  private readonly since = new Map<string, number>();
  private readonly strategies = new Map<string, Strategy>();

  /** The same strategy for the same place. */
  strategy(place: string, create: () => Strategy): Strategy {
    let strategy = this.strategies.get(place);
    if (!strategy) this.strategies.set(place, (strategy = create()));
    return strategy;
  }

  /** Whether it is `ms` ago that this was asked first, of this name. */
  isOver(name: string, ms: number): boolean {
    const now = performance.now();
    const since = this.since.get(name);
    if (since === undefined) this.since.set(name, now);
    return since !== undefined && now - since >= ms;
  }

  /** Whether it is `ms` ago that this was due last, of this name. */
  isDue(name: string, ms: number): boolean {
    const now = performance.now();
    const last = this.since.get(name);
    if (last !== undefined && now - last < ms) return false;
    this.since.set(name, now);
    return true;
  }
}
