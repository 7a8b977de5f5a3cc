import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { CsvInputError } from './errors.js';
import { type CsvChunk, CsvSplitter, type SplitOptions } from './splitter.js';

/** Splits text that comes in pieces of `size` bytes. */
function split(input: string | Buffer, options: Partial<SplitOptions> = {}, size = 7): CsvChunk[] {
  const bytes = Buffer.from(input as string);
  const splitter = new CsvSplitter({ file: 'data.csv', ...options });
  const chunks: CsvChunk[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(...splitter.push(bytes.subarray(at, at + size)));
  return [...chunks, ...splitter.end()];
}

function problemOf(input: string | Buffer, options: Partial<SplitOptions> = {}): string {
  const messages = [1, 3, 1024 * 1024].map((size) => {
    try {
      split(input, options, size);
      return 'none';
    } catch (error) {
      if (error instanceof CsvInputError) return error.message;
      throw error;
    }
  });
  expect(new Set(messages).size).toBe(1);
  return messages[0] ?? '';
}

const row = fc
  .array(
    fc.oneof(
      fc.stringMatching(/^[a-z0-9 é€]{0,6}$/),
      fc.array(fc.constantFrom('a', ',', '\n', ' ', '""', 'é', '😀')).map((parts) => `"${parts.join('')}"`),
    ),
    { minLength: 2, maxLength: 2 },
  )
  .map((fields) => fields.join(','));
const lineEnd = fc.constantFrom('\n', '\r\n');

describe('CsvSplitter', () => {
  it('cuts after the record that brings a chunk to its size, and numbers its lines', () => {
    const chunks = split('a,b\r\n1,2\r\n"x\ny",3\r\n4,5\r\n', { chunkBytes: 10 });
    expect(chunks.map(({ firstLine, text }) => ({ firstLine, text }))).toEqual([
      { firstLine: 2, text: '1,2\r\n"x\ny",3\r\n' },
      { firstLine: 5, text: '4,5\r\n' },
    ]);
    expect(chunks[0]).toMatchObject({ columns: ['a', 'b'], delimiter: ',' });
  });

  it('leaves the byte order mark and empty lines before the header out', () => {
    expect(split('\uFEFF\n\r\na;b\n1;2')).toMatchObject([
      { columns: ['a', 'b'], delimiter: ';', firstLine: 4, text: '1;2' },
    ]);
  });

  it('takes a header of several lines', () => {
    expect(split('"a\n1",b\n1,2\n')).toMatchObject([{ columns: ['a\n1', 'b'], firstLine: 3 }]);
  });

  it('loses no byte and cuts at the same places, whatever the pieces and the chunk size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(row, lineEnd), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 50 }),
        (rows, size, chunkBytes) => {
          const body = rows.map((parts) => parts.join('')).join('');
          const chunks = split(`a,b\n${body}`, { chunkBytes }, size);
          expect(chunks.map(({ text }) => text).join('')).toBe(body);
          expect(chunks).toEqual(split(`a,b\n${body}`, { chunkBytes }, 1_000_000));
          let line = 2;
          for (const chunk of chunks) {
            expect(chunk.firstLine).toBe(line);
            line += chunk.text.split('\n').length - 1;
            expect(chunk.text.endsWith('\n')).toBe(true);
          }
          // whole records: each chunk by itself has an even number of quotes
          for (const { text } of chunks) expect(text.split('"').length % 2).toBe(1);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each<[string, string | Buffer, string]>([
    ['an empty input', '', 'data.csv: is empty'],
    ['a byte order mark alone', '\uFEFF', 'data.csv: is empty'],
    ['empty lines alone', '\n\r\n\n', 'data.csv: is empty'],
    ['a header alone', '\na,b', 'data.csv:2: is a header without rows'],
    ['a header and empty lines', 'a,b\n\n\r\n', 'data.csv:1: is a header without rows'],
    ['a NUL byte', 'a,b\n1,2\n3,\0\n', 'data.csv:3: has a NUL byte: this is no CSV text'],
    [
      'invalid UTF-8',
      Buffer.from('a,b\n1,2\n3,é\n5,6\n', 'latin1'),
      'data.csv:3: is not valid UTF-8: this is no CSV text, or in another encoding',
    ],
    ['UTF-16', Buffer.from('\uFEFFa,b\n', 'utf16le'), 'data.csv:1: is UTF-16; CSV in UTF-8 is needed'],
    ['CR alone', 'a,b\r1,2\r', 'data.csv:1: lines end with CR alone; LF or CRLF is needed'],
    ['CR alone, a value twice', 'a,b\r1,7\r2,7\r3,7', 'data.csv:1: lines end with CR alone; LF or CRLF is needed'],
    ['CR alone, and a LF', 'a,b\r1,7\r2,"x\ny"\r', 'data.csv:1: lines end with CR alone; LF or CRLF is needed'],
    ['a column name twice', 'a,b, a\n1,2,3\n', 'data.csv:1: the column name "a" occurs twice'],
    ['a header with misplaced quotes', 'a,"b"c\n1,2\n', 'data.csv:1: the header has misplaced quotes'],
    ['an unclosed quote', 'a,b\n1,2\n3,"4\n5,6\n', 'data.csv:3: a quote that opens in this record never closes'],
    ['an unclosed quote in the header', 'a,"b\n1,2\n', 'data.csv:1: a quote that opens in this record never closes'],
  ])('refuses %s', (_, input, problem) => {
    expect(problemOf(input)).toBe(problem);
  });

  it('refuses CR alone in more than a record', () => {
    expect(problemOf(`a,b\r${'1,2\r'.repeat(100)}`, { maxRecordBytes: 100 })).toBe(
      'data.csv:1: lines end with CR alone; LF or CRLF is needed',
    );
  });

  it('refuses a record that is too long, naming the line where it begins', () => {
    const long = `a,b\n1,2\n"${'x\n'.repeat(100)}",3\n`;
    expect(problemOf(long, { maxRecordBytes: 100 })).toBe(
      'data.csv:3: this record is longer than 100 bytes; a quote that opens in it may never close',
    );
    expect(problemOf(`a,b\n${'x'.repeat(101)},2\n`, { maxRecordBytes: 100 })).toBe(
      'data.csv:2: this record is longer than 100 bytes',
    );
  });
});
