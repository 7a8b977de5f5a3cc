import type { RejectedRow } from 'agentmq/contracts';
import { CsvInputError } from './errors.js';

/** What one chunk's receipt says of its rows. */
export interface ChunkRows {
  readonly rows: number;
  readonly rejected: number;
  readonly firstRejected?: RejectedRow;
}

export interface TallyOptions {
  /** What errors call the input. */
  readonly file: string;
  /** Refuse the input for its first rejected row. */
  readonly strict?: boolean;
  /** Refuse the input when more than this share of its rows is rejected; 0.1 unless given. */
  readonly maxRejectedShare?: number;
}

/** Adds up the receipts of a run, in any order, and says whether the input is good enough. */
export class RowTally {
  private readonly file: string;
  private readonly strict: boolean;
  private readonly maxShare: number;
  private first: RejectedRow | undefined;
  rows = 0;
  rejected = 0;

  constructor({ file, strict = false, maxRejectedShare = 0.1 }: TallyOptions) {
    this.file = file;
    this.strict = strict;
    this.maxShare = maxRejectedShare;
  }

  add({ rows, rejected, firstRejected }: ChunkRows): void {
    this.rows += rows;
    this.rejected += rejected;
    if (firstRejected && (!this.first || firstRejected.line < this.first.line)) this.first = firstRejected;
  }

  /**
   * No more chunks need be sent: a strict run has met a rejected row. Add the receipts of those that are under way
   * before calling `check`, so that it names the first row of the file.
   */
  get hopeless(): boolean {
    return this.strict && this.rejected > 0;
  }

  /** Call it with all receipts in. Throws {@link CsvInputError} naming the first rejected row when the input is refused. */
  check(): void {
    if (!this.first) return;
    const { line, reason } = this.first;
    if (this.strict) throw new CsvInputError(this.file, line, reason);
    const all = this.rows + this.rejected;
    if (this.rejected > all * this.maxShare) {
      const share = `${this.rejected} of ${all} rows can't be read as the header's columns`;
      throw new CsvInputError(this.file, line, `${reason}; ${share}: the input is ragged or no CSV`);
    }
  }
}
