import {
  AnalysisSummary,
  type ColumnSummary,
  MAX_REJECTED_LISTED,
  PartialReceipt,
  type PartialResult,
  type RejectedRow,
  type SummaryRequest,
} from 'agentmq/contracts';
import { PartialMismatchError, TooManyValuesError } from './errors.js';
import { analyseValues, type TextAnalysis } from './nlp.js';
import { Pass } from './pass.js';

export interface SessionLimits {
  /** About how many bytes the different text values may take in memory; 768 MiB unless given. */
  readonly maxTextBytes?: number;
  /** How many chunks may wait for one that is missing; 256 unless given. */
  readonly maxWaiting?: number;
}

/**
 * One run's merged statistics. Chunks may come in any order and repeatedly; they are merged once each and in the order
 * of the file, so that the result is the same to the last bit however many workers there were.
 */
export class AnalysisSession {
  private readonly first: Pass;
  private readonly second: Pass;
  private readonly maxTextBytes: number;
  private readonly rejected: RejectedRow[] = [];
  private rejectedCount = 0;
  private done: Promise<AnalysisSummary> | undefined;
  /** What made the run worthless: a chunk was lost in the middle of merging it. */
  private failure: Error | undefined;

  constructor(
    readonly runId: string,
    { maxTextBytes = 768 * 1024 * 1024, maxWaiting = 256 }: SessionLimits = {},
  ) {
    this.maxTextBytes = maxTextBytes;
    this.first = new Pass(runId, maxWaiting);
    this.second = new Pass(runId, maxWaiting);
  }

  /** Its summary is final; it holds little memory. */
  get finished(): boolean {
    return this.done !== undefined;
  }

  /**
   * Merges a chunk's statistics, or keeps them until the chunks before have come. Throws `PartialMismatchError`,
   * `TooFarAheadError` (retryable), `TooManyValuesError`.
   */
  add(partial: PartialResult): PartialReceipt {
    if (this.failure) throw this.failure;
    const pass = partial.recount ? this.second : this.first;
    const repeated = this.finished || !pass.offer(partial);
    if (!repeated) this.merge(pass);
    return Object.assign(new PartialReceipt(), { chunk: partial.chunk, repeated });
  }

  /**
   * The summary of the whole run; the same again when asked again. When columns are undecided it tells these alone:
   * send their chunks as second-pass partials, then ask with `recount`. Throws `MissingChunksError` (retryable),
   * `PartialMismatchError`.
   */
  async summary({ chunks, recount }: SummaryRequest): Promise<AnalysisSummary> {
    if (this.failure) throw this.failure;
    if (this.done) return this.done;
    this.first.checkComplete(chunks);
    if (recount) {
      this.second.checkComplete(chunks);
      if (this.second.rows !== this.first.rows) {
        throw new PartialMismatchError(this.runId, 'the input changed between its two passes');
      }
    }
    const counted = new Map(this.second.columns.map((column) => [column.name, column]));
    const undecided = this.first.columns.filter(({ undecided, name }) => undecided && !(recount && counted.has(name)));
    if (undecided.length > 0) return this.answer({ undecided: undecided.map(({ name }) => name) });
    this.done = this.finish();
    return this.done;
  }

  private merge(pass: Pass): void {
    try {
      for (let next = pass.take(); next; next = pass.take()) {
        pass.merge(next);
        if (!next.recount) this.reject(next);
        this.checkSize();
      }
    } catch (error) {
      this.failure = error as Error;
      this.first.clear();
      this.second.clear();
      throw error;
    }
  }

  private async finish(): Promise<AnalysisSummary> {
    const counted = new Map(this.second.columns.map((column) => [column.name, column]));
    const columns = this.first.columns.map((column) =>
      column.undecided ? (counted.get(column.name) ?? column) : column,
    );
    const summaries: ColumnSummary[] = [];
    for (const column of columns) summaries.push(await column.summary());
    const texts = columns.flatMap(({ text }) => (text ? [text.values] : []));
    const analysis = await analyseValues(texts);
    this.first.clear();
    this.second.clear();
    return this.answer({ columns: summaries, ...analysis });
  }

  private answer(found: { undecided?: string[]; columns?: ColumnSummary[] } & Partial<TextAnalysis>): AnalysisSummary {
    return Object.assign(new AnalysisSummary(), {
      runId: this.runId,
      rows: this.first.rows,
      columns: [],
      undecided: [],
      keywords: [],
      sentiment: null,
      analysed: 0,
      rejected: { count: this.rejectedCount, rows: this.rejected },
      ...found,
    });
  }

  private reject({ rejected }: PartialResult): void {
    this.rejectedCount += rejected.count;
    this.rejected.push(...rejected.rows.slice(0, MAX_REJECTED_LISTED - this.rejected.length));
  }

  private checkSize(): void {
    if (this.first.textBytes + this.second.textBytes > this.maxTextBytes) {
      throw new TooManyValuesError(this.runId, this.maxTextBytes);
    }
  }
}
