import { type Delimiter, DELIMITERS, MAX_COLUMNS } from 'agentmq/contracts';
import { parse } from 'csv-parse/sync';
import { CsvInputError } from './errors.js';

/** The delimiter that separates most fields of a header, quoted text aside; the earlier of `, ; tab |` when even. */
export function detectDelimiter(header: string): Delimiter {
  const counts = new Map<string, number>(DELIMITERS.map((delimiter) => [delimiter, 0]));
  let quoted = false;
  let fieldStart = true;
  for (const character of header) {
    if (quoted) {
      if (character === '"') quoted = false;
    } else if (character === '"' && fieldStart) {
      quoted = true;
    } else {
      const seen = counts.get(character);
      fieldStart = seen !== undefined;
      if (seen !== undefined) counts.set(character, seen + 1);
    }
  }
  return DELIMITERS.reduce((best, next) => ((counts.get(next) ?? 0) > (counts.get(best) ?? 0) ? next : best));
}

/**
 * The column names of a header record, without blanks around them; an empty one becomes `column_<position>`.
 * Throws {@link CsvInputError} for duplicates, too many columns, and bad quotes.
 */
export function columnNames(file: string, line: number, header: string, delimiter: Delimiter): string[] {
  const names = fieldsOf(file, line, header, delimiter).map((name, i) => name.trim() || `column_${i + 1}`);
  if (names.length > MAX_COLUMNS) {
    throw new CsvInputError(file, line, `has ${names.length} columns; at most ${MAX_COLUMNS} are possible`);
  }
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new CsvInputError(file, line, `the column name "${name}" occurs twice`);
    seen.add(name);
  }
  return names;
}

function fieldsOf(file: string, line: number, header: string, delimiter: Delimiter): string[] {
  try {
    const records = parse(header, { delimiter, record_delimiter: ['\r\n', '\n'], max_record_size: 0 });
    return records[0] ?? [];
  } catch (error) {
    throw new CsvInputError(file, line, 'the header has misplaced quotes', { cause: error });
  }
}
