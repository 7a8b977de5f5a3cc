import { describe, expect, it } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { RecordScanner } from './csv-records.js';

interface Found {
  text: string;
  line: number;
  malformed: boolean;
  blank: boolean;
}

/** Scans text given in pieces of `size` bytes. */
function scan(text: string, size = 1024, delimiter = ','): { records: Found[]; open: boolean } {
  const bytes = Buffer.from(text);
  const scanner = new RecordScanner(delimiter);
  const records: Found[] = [];
  let begin = 0;
  const take = (end: number): void => {
    const { recordLine: line, malformed, blank } = scanner;
    records.push({ text: bytes.toString('utf8', begin, end), line, malformed, blank });
    begin = end;
  };
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    for (let from = scanner.next(piece, 0); from >= 0; from = scanner.next(piece, from)) take(at + from);
  }
  if (scanner.end()) take(bytes.length);
  return { records, open: scanner.open };
}

const csvLike = fc
  .array(fc.constantFrom('"', '""', ',', '\n', '\r\n', '\r', 'a', ' ', 'é', '€', ';'), { maxLength: 60 })
  .map((parts) => parts.join(''));

describe('RecordScanner', () => {
  it('ends records at LF and CRLF, and at the end of the input', () => {
    expect(scan('a,b\r\nc,d\ne,f').records.map(({ text }) => text)).toEqual(['a,b\r\n', 'c,d\n', 'e,f']);
  });

  it('keeps line ends in quotes inside the record, and counts their lines', () => {
    const { records } = scan('"a\nb",c\n"d ""\n"" e",f\nlast,x\n');
    expect(records.map(({ line }) => line)).toEqual([1, 3, 5]);
    expect(records.some(({ malformed }) => malformed)).toBe(false);
  });

  it('opens a quote only at the start of a field', () => {
    expect(scan('5" pipe,1\nx\n').records).toHaveLength(2);
    expect(scan('5" pipe,1\nx\n').records[0]?.malformed).toBe(false);
  });

  it('ends a record with text after a closing quote at its own line, marked malformed', () => {
    const { records } = scan('"a"b,c\nd,e\n"f"\r,g\n');
    expect(records.map(({ malformed }) => malformed)).toEqual([true, false, true]);
  });

  it('tells empty lines, and an open quote at the end', () => {
    expect(scan('\n\r\na\n""\n').records.map(({ blank }) => blank)).toEqual([true, true, false, false]);
    expect(scan('a\n"b\nc').open).toBe(true);
  });

  it('finds the same in pieces of any size', () => {
    fc.assert(
      fc.property(csvLike, fc.integer({ min: 1, max: 7 }), (text, size) => {
        expect(scan(text, size)).toEqual(scan(text));
      }),
    );
  });

  it('finds the records that csv-parse finds', () => {
    fc.assert(
      fc.property(csvLike, (text) => {
        const { records, open } = scan(text);
        fc.pre(!open);
        const rows: string[][] = parse(text, {
          record_delimiter: ['\r\n', '\n'],
          relax_column_count: true,
          relax_quotes: true,
          skip_empty_lines: true,
        });
        expect(records.map(({ text }) => text).join('')).toBe(text);
        expect(records.filter(({ blank }) => !blank)).toHaveLength(rows.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('calls malformed what csv-parse refuses, apart from quotes inside unquoted fields', () => {
    fc.assert(
      fc.property(csvLike, (text) => {
        const { records, open } = scan(text);
        fc.pre(!open);
        for (const record of records) {
          const refused = codeOf(() => parse(record.text, { record_delimiter: ['\r\n', '\n'], relax_quotes: false }));
          if (record.malformed) expect(refused).toBeDefined();
          else expect([undefined, 'INVALID_OPENING_QUOTE']).toContain(refused);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
}
