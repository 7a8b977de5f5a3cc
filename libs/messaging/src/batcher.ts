import { RefusedDataError } from 'agentmq/database';

export interface BatcherLimits {
  /** The most items in one batch. */
  readonly size: number;
  /** The most batches under way at once. */
  readonly inFlight: number;
}

/** Unless a batcher has its own. */
export const LIMITS: BatcherLimits = { size: 500, inFlight: 2 };

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Collects what is asked for one by one into batches: what comes in one turn of the event loop, and what comes while
 * the batches under way are full, goes together. `flush` answers in the order of its items, or nothing; its rejection is theirs. A
 * batch that the store refuses for a value in it is halved until the item is found: that one alone is rejected, so `flush`
 * must be able to repeat what it has done of a batch.
 */
export class Batcher<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private running = 0;
  private scheduled = false;

  constructor(
    private readonly flush: (items: Item[]) => Promise<readonly Result[] | void>,
    private readonly limits: BatcherLimits = LIMITS,
    /** Told of the items of each batch. */
    private readonly onBatch: (items: number) => void = () => undefined,
  ) {}

  add(item: Item): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (this.scheduled) return;
      this.scheduled = true;
      setImmediate(() => {
        this.scheduled = false;
        this.pump();
      });
    });
  }

  private pump(): void {
    while (this.running < this.limits.inFlight && this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.limits.size);
      this.running++;
      this.onBatch(batch.length);
      void this.run(batch);
    }
  }

  private async run(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      await this.answer(batch);
    } finally {
      this.running--;
      this.pump();
    }
  }

  private async answer(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.flush(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(results?.[index] as Result));
    } catch (error) {
      if (batch.length > 1 && error instanceof RefusedDataError) {
        const half = batch.length >> 1;
        await this.answer(batch.slice(0, half));
        await this.answer(batch.slice(half));
        return;
      }
      for (const { reject } of batch) reject(error);
    }
  }
}
