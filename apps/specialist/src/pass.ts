import type { PartialResult } from 'agentmq/contracts';
import { Column } from './column.js';
import { MissingChunksError, PartialMismatchError, TooFarAheadError } from './errors.js';

/** One pass over a run's chunks: puts them into the order of the file, once each, and merges their columns. */
export class Pass {
  private readonly waiting = new Map<number, PartialResult>();
  private next = 0;
  columns: Column[] = [];
  rows = 0;

  constructor(
    private readonly runId: string,
    private readonly maxWaiting: number,
  ) {}

  /** Takes a chunk in; false when it has come before. Throws {@link TooFarAheadError}. */
  offer(partial: PartialResult): boolean {
    const { chunk } = partial;
    if (chunk < this.next || this.waiting.has(chunk)) return false;
    if (chunk > this.next && this.waiting.size >= this.maxWaiting) {
      throw new TooFarAheadError(this.runId, this.next, this.maxWaiting);
    }
    this.waiting.set(chunk, partial);
    return true;
  }

  /** The next chunk of the file, if it is there. */
  take(): PartialResult | undefined {
    const partial = this.waiting.get(this.next);
    if (partial) {
      this.waiting.delete(this.next);
      this.next++;
    }
    return partial;
  }

  /** Merges a chunk's columns. Throws {@link PartialMismatchError} when they are not those of the first chunk. */
  merge({ chunk, rows, columns }: PartialResult): void {
    if (chunk === 0) this.columns = columns.map(({ name }) => new Column(name));
    if (columns.length !== this.columns.length || columns.some(({ name }, i) => name !== this.columns[i]?.name)) {
      throw new PartialMismatchError(this.runId, `chunk ${chunk} has other columns than chunk 0`);
    }
    this.rows += rows;
    for (let i = 0; i < columns.length; i++) {
      const part = columns[i];
      if (part) this.columns[i]?.add(part);
    }
  }

  /** Throws {@link MissingChunksError} unless chunks 0 to `chunks - 1`, and no more, are merged. */
  checkComplete(chunks: number): void {
    if (this.next < chunks) throw new MissingChunksError(this.runId, this.next);
    if (this.next > chunks) {
      throw new PartialMismatchError(this.runId, `has ${this.next} chunks, not ${chunks}`);
    }
  }

  /** About what the text values take in memory. */
  get textBytes(): number {
    return this.columns.reduce((bytes, { text }) => bytes + (text?.values.bytes ?? 0), 0);
  }

  /** Lets go of what was merged; `rows` stays. */
  clear(): void {
    this.columns = [];
    this.waiting.clear();
  }
}
