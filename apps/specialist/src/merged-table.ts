import {
  AnalysisSummary,
  type ColumnSummary,
  MAX_REJECTED_LISTED,
  type PartialResult,
  type RejectedRow,
} from 'agentmq/contracts';
import { Column } from './column.js';
import type { RowCounts } from './csv/rejected-rows.js';
import { PartialMismatchError, TooManyValuesError } from './errors.js';
import { analyseValues } from './nlp.js';

const MAX_TEXT_BYTES = 768 * 1024 * 1024;

/**
 * A table's statistics. They are merged from those of its chunks, which have to come once each and in the order of the table:
 * so the result is the same to the last bit, however many workers parse them.
 */
export class MergedTable {
  private columns: readonly Column[] = [];
  /** The columns that chunks are merged into; undefined before the first chunk. */
  private counted: readonly Column[] | undefined;
  private isRecount = false;
  private rows = 0;
  private rejected = 0;
  private readonly listed: RejectedRow[] = [];

  /** About how many bytes the different text values may take in memory; 768 MiB unless given. */
  constructor(private readonly maxTextBytes = MAX_TEXT_BYTES) {}

  get counts(): RowCounts {
    return { rows: this.rows, rejected: { count: this.rejected, rows: this.listed } };
  }

  /** Merges the next chunk. Throws {@link PartialMismatchError}, {@link TooManyValuesError}. */
  add({ rows, columns, rejected }: PartialResult): void {
    this.counted ??= this.columns = columns.map(({ name }) => new Column(name));
    const { counted } = this;
    if (columns.length !== counted.length || columns.some(({ name }, i) => name !== counted[i]?.name))
      throw new PartialMismatchError(columns.map(({ name }) => name));
    columns.forEach((part, i) => counted[i]?.add(part));
    if (!this.isRecount) {
      this.rows += rows;
      this.rejected += rejected.count;
      this.listed.push(...rejected.rows.slice(0, MAX_REJECTED_LISTED - this.listed.length));
    }
    const textBytes = this.columns.reduce((bytes, { text }) => bytes + (text?.values.bytes ?? 0), 0);
    if (textBytes > this.maxTextBytes) throw new TooManyValuesError(this.maxTextBytes);
  }

  /**
   * Call it when all chunks are merged: the names of the columns that are numbers in some chunks and text in others. If there
   * are any, all chunks have to be added once more, with only these columns, and as text.
   */
  recount(): string[] {
    const undecided = this.columns.filter((column) => column.undecided).map(({ name }) => name);
    const anew = new Map(undecided.map((name) => [name, new Column(name)]));
    this.columns = this.columns.map((column) => anew.get(column.name) ?? column);
    this.counted = [...anew.values()];
    this.isRecount = true;
    return undecided;
  }

  async summary(): Promise<AnalysisSummary> {
    const columns: ColumnSummary[] = [];
    for (const column of this.columns) columns.push(await column.summary());
    const texts = this.columns.flatMap(({ text }) => (text ? [text.values] : []));
    return Object.assign(new AnalysisSummary(), { ...this.counts, columns, ...(await analyseValues(texts)) });
  }
}
