import { Rest } from 'agentmq/time';
import type { Strategy } from '../../distribution/balancing/strategy.js';
import type { TaskNotice } from '../messages.js';

/** Places that become free are gathered so long, in ms, while many are taken: a turn costs as much for one as for many. */
const GATHER_MS = 5;
/** A turn is worth it at once when this share of the tasks that agents had has been settled since the last. */
const SHARE = 0.25;

/** What one term of leading remembers. */
export class Round extends Rest {
  /** Whether what is settled may make room for something, or have something follow it. */
  isWaiting = true;
  /** How many tasks agents have. */
  held = 0;
  private freed = 0;
  private gathering: NodeJS.Timeout | undefined;
  /** Keys of tasks whose agent has no room, as `DispatchStore.queued` takes them: left out until the next rest. */
  readonly passedOver = new Set<string>();
  /** Whether there are more old tasks than were deleted at once. */
  hasMoreToForget = false;
  private readonly since = new Map<string, number>();
  private readonly strategies = new Map<string, Strategy>();

  /** A turn begins. */
  begin(): void {
    this.freed = 0;
    this.end();
  }

  /** Of tasks that may be assigned now, and of tasks that are settled. */
  hear({ kind, taskIds }: Pick<TaskNotice, 'kind' | 'taskIds'>): void {
    if (kind !== 'settled') return this.wake();
    if (!this.isWaiting) return;
    this.freed += taskIds.length;
    if (this.freed >= SHARE * this.held) this.wake();
    else this.gathering ??= setTimeout(() => this.wake(), GATHER_MS);
  }

  end(): void {
    clearTimeout(this.gathering);
    this.gathering = undefined;
  }

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
