import {
  type Delimiter,
  MAX_REJECTED_LISTED,
  RecordScanner,
  type RejectedRow,
  type RejectedRows,
} from 'agentmq/contracts';
import { parse } from 'csv-parse/sync';

export interface ParsedChunk {
  /** The fields of the rows that have one for each column. */
  readonly rows: readonly (readonly string[])[];
  readonly rejected: RejectedRows;
}

export interface ChunkText {
  /** Whole records. */
  readonly text: string;
  readonly delimiter: Delimiter;
  /** The line of the file that `text` begins on. */
  readonly firstLine: number;
}

/**
 * Parses a chunk into rows. Empty lines are no rows. A row with another number of fields than `columns`, or with text
 * after a closing quote (`"a"b`), is rejected by itself: where records end is `RecordScanner`'s word. A quote inside
 * an unquoted field (`5" pipe`) is part of the value.
 */
export function parseChunk({ text, delimiter, firstLine }: ChunkText, columns: number): ParsedChunk {
  const records = parse(text, {
    delimiter,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: 0,
  });
  const quoted = text.includes('"');
  if (!quoted && records.every((record) => record.length === columns)) {
    return { rows: records, rejected: { count: 0, rows: [] } };
  }

  const rows: string[][] = [];
  const rejected: RejectedRow[] = [];
  let count = 0;
  let index = 0;
  for (const { line, malformed } of recordsIn(text, delimiter, firstLine)) {
    const record = records[index++];
    const reason = malformed ? 'text follows a closing quote' : raggedness(record?.length ?? 0, columns);
    if (reason) {
      count++;
      if (rejected.length < MAX_REJECTED_LISTED) rejected.push({ line, reason });
    } else if (record) rows.push(record);
  }
  return { rows, rejected: { count, rows: rejected } };
}

function raggedness(found: number, columns: number): string | undefined {
  if (found === columns) return undefined;
  return `has ${found} field${found === 1 ? '' : 's'} where the header has ${columns}`;
}

function* recordsIn(
  text: string,
  delimiter: string,
  firstLine: number,
): Generator<{ line: number; malformed: boolean }> {
  const scanner = new RecordScanner(delimiter, firstLine);
  const bytes = Buffer.from(text, 'utf8');
  for (let from = 0; ;) {
    from = scanner.next(bytes, from);
    if (from < 0) break;
    if (!scanner.blank) yield { line: scanner.recordLine, malformed: scanner.malformed };
  }
  if (scanner.end()) yield { line: scanner.recordLine, malformed: scanner.malformed || scanner.open };
}
