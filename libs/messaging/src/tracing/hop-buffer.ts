import { Logger } from '@nestjs/common';
import type { HopRecord, HopStore } from 'agentmq/message-store';
import { StoreUnavailableError } from 'agentmq/database';
import { RepeatedLog } from 'agentmq/telemetry';
import { within } from 'agentmq/time';

export interface HopCounts {
  recorded(count: number): void;
  /** The buffer was full, or the store did not take them. */
  dropped(count: number): void;
}

/** How long a hop waits to be written in a batch, in ms. */
const GATHER_MS = 250;
/** From one attempt to the next while the store is away, in ms. */
const AWAY_MS = 1_000;
const BATCH = 500;
/** About 10 MB. */
const MOST = 20_000;

/**
 * Takes hops without waiting, and writes them in batches behind. While the store is away, or slower than hops come, it
 * holds so many and drops what comes then: tracing holds up no message and takes no more memory.
 */
export class HopBuffer {
  private readonly log = new RepeatedLog(new Logger('Tracing'));
  private waiting: HopRecord[] = [];
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly store: Pick<HopStore, 'record'>,
    private readonly counts: HopCounts,
    private readonly most = MOST,
  ) {}

  add(hop: HopRecord): void {
    if (this.waiting.length >= this.most) return this.counts.dropped(1);
    this.waiting.push(hop);
    if (this.waiting.length === BATCH) this.write();
    else this.writeIn(GATHER_MS);
  }

  /** Writes what waits, within `timeoutMs`; the rest is dropped. */
  async stop(timeoutMs: number): Promise<void> {
    const writtenAll = async (): Promise<void> => {
      await this.writing;
      this.write();
      await this.writing;
    };
    await within(timeoutMs, writtenAll());
    clearTimeout(this.timer);
    this.counts.dropped(this.waiting.length);
    this.waiting = [];
  }

  private writeIn(ms: number): void {
    this.timer ??= setTimeout(() => this.write(), ms).unref();
  }

  private write(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing ??= this.writeAll().finally(() => (this.writing = undefined));
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, BATCH);
      try {
        await this.record(batch);
      } catch (error) {
        this.log.warn('hops were not written', error);
        return this.writeIn(AWAY_MS);
      }
    }
  }

  /** Takes what is dealt with out of the buffer. Rejects while the store is away; a hop that it refuses costs no other one. */
  private async record(batch: readonly HopRecord[]): Promise<void> {
    try {
      await this.store.record(batch);
      this.counts.recorded(batch.length);
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw error;
      const half = Math.floor(batch.length / 2);
      if (half > 0) {
        await this.record(batch.slice(0, half));
        return this.record(batch.slice(half));
      }
      this.log.warn('a hop was not written', error);
      this.counts.dropped(1);
    }
    this.waiting = this.waiting.slice(batch.length);
  }
}
