import { pause } from 'agentmq/messaging';
import type { Strategy } from '../balancing/strategy.js';

/** What one term of leading remembers. */
export class Round {
  private readonly since = new Map<string, number>();
  private readonly strategies = new Map<string, Strategy>();
  private awake = false;
  private alarm: (() => void) | undefined;

  /** Something has happened. */
  wake(): void {
    this.awake = true;
    this.alarm?.();
  }

  /** Resolves when something happens, has happened since the last rest, or the time is over. */
  async rest(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.awake) {
      const alarm = new AbortController();
      this.alarm = () => alarm.abort();
      await pause(ms, AbortSignal.any([signal, alarm.signal]));
      this.alarm = undefined;
    }
    this.awake = false;
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
