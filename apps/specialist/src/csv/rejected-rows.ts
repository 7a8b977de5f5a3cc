import type { RejectedRows } from 'agentmq/contracts';
import { CsvInputError } from './errors.js';

/** Of all rows. */
const MAX_REJECTED_SHARE = 0.1;

export interface RowCounts {
  /** Without the rejected ones. */
  readonly rows: number;
  readonly rejected: RejectedRows;
}

/**
 * Throws {@link CsvInputError}, which names the first rejected row, when more than a tenth of the rows are rejected: the
 * input is ragged, or no CSV. With `strict` one is enough.
 */
export function checkRejectedRows(file: string, { rows, rejected }: RowCounts, strict: boolean): void {
  const [first] = rejected.rows;
  if (!first) return;
  const { line, reason } = first;
  if (strict) throw new CsvInputError(file, line, reason);
  const all = rows + rejected.count;
  if (rejected.count <= all * MAX_REJECTED_SHARE) return;
  const share = `${rejected.count} of ${all} rows can't be read as the header's columns`;
  throw new CsvInputError(file, line, `${reason}; ${share}: the input is ragged or no CSV`);
}
