import { isUtf8 } from 'node:buffer';
import { type ParseChunk, RecordScanner } from 'agentmq/contracts';
import { CsvInputError } from './errors.js';
import { columnNames, detectDelimiter } from './header.js';

export interface SplitOptions {
  /** What errors call the input. */
  readonly file: string;
  /** A chunk ends with the first record that brings it to this many bytes; 64 KiB unless given. */
  readonly chunkBytes?: number;
  /** The longest record, in bytes; 1 MiB unless given. */
  readonly maxRecordBytes?: number;
}

/** A piece of the input that a worker can parse by itself, with the header's columns and delimiter. */
export type CsvChunk = Omit<ParseChunk, 'only'>;

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const UTF_16 = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];
const LF = 0x0a;

/**
 * Splits CSV, pushed as bytes in pieces of any size, into chunks of whole records. Where it cuts depends on the bytes
 * alone, not on the pieces. Holds at most one chunk and one record.
 *
 * Throws {@link CsvInputError}: NUL bytes, invalid UTF-8, a bad header, a record above `maxRecordBytes`; at the end
 * also an unclosed quote, an empty input, and a header without rows.
 */
export class CsvSplitter {
  private readonly file: string;
  private readonly chunkBytes: number;
  private readonly maxRecordBytes: number;
  /** Bytes before the header's end are few; they are kept until the delimiter is known. */
  private head: Buffer | undefined = Buffer.alloc(0);
  private scanner = new RecordScanner(',');
  private found: Pick<CsvChunk, 'columns' | 'delimiter'> | undefined;
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private headerLine = 1;
  private firstLine = 1;
  /** A record with something in it came after the header. */
  private rows = false;

  constructor({ file, chunkBytes = 64 * 1024, maxRecordBytes = 1024 * 1024 }: SplitOptions) {
    this.file = file;
    this.chunkBytes = chunkBytes;
    this.maxRecordBytes = maxRecordBytes;
  }

  /** Takes the next bytes and answers the chunks that they complete. The bytes must not be changed afterwards. */
  push(bytes: Buffer): CsvChunk[] {
    const { head } = this;
    if (head === undefined) {
      this.refuseNul(bytes, this.scanner.line);
      return this.scan(bytes);
    }
    this.head = head.length === 0 ? bytes : Buffer.concat([head, bytes]);
    if (UTF_16.some((bom) => bom.equals(this.head?.subarray(0, 2) ?? bom))) {
      throw this.problem(1, 'is UTF-16; CSV in UTF-8 is needed');
    }
    this.refuseNul(this.head, 1);
    return this.readHeader(this.head, false);
  }

  /** The input ends: answers what is left. */
  end(): CsvChunk[] {
    const chunks = this.head === undefined ? [] : this.readHeader(this.head, true);
    if (!this.found) throw new CsvInputError(this.file, undefined, 'is empty');
    if (this.scanner.open)
      throw this.problem(this.scanner.recordLine, 'a quote that opens in this record never closes');
    if (this.scanner.end()) this.rows = true;
    if (this.pendingBytes > 0) chunks.push(this.cut(this.found));
    if (!this.rows) throw this.problem(this.headerLine, 'is a header without rows');
    return chunks;
  }

  private problem(line: number, problem: string): CsvInputError {
    return new CsvInputError(this.file, line, problem);
  }

  /** Looks for the first record that is not blank. The delimiter matters to where it ends only by what may precede a quote. */
  private readHeader(head: Buffer, last: boolean): CsvChunk[] {
    if (!last && head.length < BOM.length) return [];
    const start = head.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0;
    const firstLine = firstText(head, start);
    if (firstLine === undefined) {
      // nothing but empty lines so far
      if (last) return [];
      if (head.length > this.maxRecordBytes) throw this.problem(1, 'begins with too many empty lines');
      return [];
    }
    const { from, line } = firstLine;
    this.headerLine = line;
    const lineEnd = head.indexOf(LF, from);
    if (lineEnd < 0 && !last && head.length - from <= this.maxRecordBytes) return [];
    const headerText = head.toString('utf8', from, lineEnd < 0 ? head.length : lineEnd);
    if (endsWithCr(headerText)) throw this.problem(line, 'lines end with CR alone; LF or CRLF is needed');
    const delimiter = detectDelimiter(headerText);
    const scanner = new RecordScanner(delimiter, line);
    const ends = scanner.next(head, from);
    if (scanner.length > this.maxRecordBytes) throw this.tooLong(scanner);
    if (ends < 0) {
      if (!last) return [];
      if (scanner.open) throw this.problem(line, 'a quote that opens in this record never closes');
      scanner.end();
    }
    const header = this.decode(head.subarray(from, ends < 0 ? head.length : ends), line);
    this.found = { columns: columnNames(this.file, line, header, delimiter), delimiter };
    this.head = undefined;
    this.scanner = new RecordScanner(delimiter, scanner.line);
    this.firstLine = scanner.line;
    return ends < 0 ? [] : this.scan(head.subarray(ends));
  }

  private scan(bytes: Buffer): CsvChunk[] {
    const chunks: CsvChunk[] = [];
    const { scanner, found } = this;
    if (!found) return chunks;
    let start = 0;
    for (let from = 0; ;) {
      const end = scanner.next(bytes, from);
      if (scanner.length > this.maxRecordBytes) throw this.tooLong(scanner);
      if (end < 0) break;
      if (!this.rows && !scanner.blank) this.rows = true;
      from = end;
      if (this.pendingBytes + end - start < this.chunkBytes) continue;
      this.hold(bytes.subarray(start, end));
      start = end;
      chunks.push(this.cut(found));
    }
    this.hold(bytes.subarray(start));
    return chunks;
  }

  private hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.pending.push(bytes);
    this.pendingBytes += bytes.length;
  }

  private cut(header: Pick<CsvChunk, 'columns' | 'delimiter'>): CsvChunk {
    const text = this.decode(Buffer.concat(this.pending, this.pendingBytes), this.firstLine);
    const chunk = { ...header, firstLine: this.firstLine, text };
    this.pending = [];
    this.pendingBytes = 0;
    this.firstLine = this.scanner.line;
    return chunk;
  }

  private refuseNul(bytes: Buffer, line: number): void {
    const nul = bytes.indexOf(0);
    if (nul >= 0) throw this.problem(line + linesIn(bytes.subarray(0, nul)), 'has a NUL byte: this is no CSV text');
  }

  private decode(bytes: Buffer, firstLine: number): string {
    if (isUtf8(bytes)) return bytes.toString('utf8');
    let line = firstLine;
    for (let from = 0; from < bytes.length; line++) {
      const end = bytes.indexOf(LF, from);
      const to = end < 0 ? bytes.length : end + 1;
      if (!isUtf8(bytes.subarray(from, to))) break;
      from = to;
    }
    throw this.problem(line, 'is not valid UTF-8: this is no CSV text, or in another encoding');
  }

  private tooLong({ recordLine, quotes }: RecordScanner): CsvInputError {
    const hint = quotes ? '; a quote that opens in it may never close' : '';
    return this.problem(recordLine, `this record is longer than ${this.maxRecordBytes} bytes${hint}`);
  }
}

/** Whether a CR that no LF follows ends a line: one within quotes, or the last character, does not. */
const endsWithCr = (text: string): boolean => /\r[^\n]/.test(text.replaceAll(/"[^"]*(?:"|$)/g, ''));

function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) lines++;
  return lines;
}

/** Where the first line that is not empty begins, and its number. */
function firstText(bytes: Buffer, start: number): { from: number; line: number } | undefined {
  let line = 1;
  let from = start;
  while (from < bytes.length) {
    if (bytes[from] === LF) from += 1;
    else if (bytes[from] === 0x0d && bytes[from + 1] === LF) from += 2;
    else if (bytes[from] === 0x0d && from + 1 === bytes.length) return undefined;
    else return { from, line };
    line++;
  }
  return undefined;
}
