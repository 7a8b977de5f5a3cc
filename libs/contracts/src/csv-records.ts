const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

const enum At {
  /** Before the first byte of a field: only here does a quote open. */
  FieldStart,
  Plain,
  Quoted,
  /** After a quote inside a quoted field: the end of the field, or the first half of `""`. */
  QuoteInQuoted,
  /** After a closing quote and a CR, which only a LF may follow. */
  CrAfterQuote,
}

/**
 * Finds where CSV records end, on bytes in pieces of any size. This is the one definition of a record (RFC 4180, with
 * LF as well as CRLF) that the sender of a work assignment and its worker share: a quote opens only at the start of a
 * field, `""` inside quotes is a quote, and any other byte after the closing quote makes the record malformed and is
 * read as unquoted text, so that the record still ends at its line's end.
 */
export class RecordScanner {
  /** The line (1 is the first) that the next byte is on. */
  line: number;
  /** Of the record that just ended, or else the one that is open: the line where it began. */
  recordLine: number;
  /** Its bytes so far, line end included. */
  length = 0;
  /** Text followed a closing quote in it. */
  malformed = false;
  /** A field of it is quoted. */
  quotes = false;
  private ended = true;
  private at = At.FieldStart;
  private startsWithCr = false;
  private readonly delimiter: number;

  /** `delimiter` is one ASCII character. */
  constructor(delimiter: string, firstLine = 1) {
    this.delimiter = delimiter.charCodeAt(0);
    this.line = firstLine;
    this.recordLine = firstLine;
  }

  /** The record is an empty line. */
  get blank(): boolean {
    return this.length === 0 || (this.ended && (this.length === 1 || (this.length === 2 && this.startsWithCr)));
  }

  /** A quote is open. */
  get open(): boolean {
    return this.at === At.Quoted;
  }

  /** Reads on from `from`; the index after the end of the record, or -1 when the record goes on after these bytes. */
  next(bytes: Uint8Array, from: number): number {
    if (from >= bytes.length) return -1;
    if (this.ended) this.begin(bytes[from] === CR);
    const { delimiter } = this;
    const size = bytes.length;
    let at = this.at;
    for (let i = from; i < size; i++) {
      const byte = bytes[i];
      if (at === At.Quoted) {
        if (byte === QUOTE) at = At.QuoteInQuoted;
        else if (byte === LF) this.line++;
      } else if (byte === LF) {
        this.line++;
        this.length += i + 1 - from;
        this.at = At.FieldStart;
        this.ended = true;
        return i + 1;
      } else if (at === At.Plain) {
        if (byte === delimiter) at = At.FieldStart;
      } else if (at === At.FieldStart) {
        if (byte === QUOTE) {
          at = At.Quoted;
          this.quotes = true;
        } else if (byte !== delimiter) at = At.Plain;
      } else if (at === At.QuoteInQuoted) {
        if (byte === QUOTE) at = At.Quoted;
        else if (byte === delimiter) at = At.FieldStart;
        else if (byte === CR) at = At.CrAfterQuote;
        else {
          this.malformed = true;
          at = At.Plain;
        }
      } else {
        this.malformed = true;
        at = byte === delimiter ? At.FieldStart : At.Plain;
      }
    }
    this.length += size - from;
    this.at = at;
    return -1;
  }

  /** The input ends here: whether that leaves a last record without a line end (it may be unclosed, see `open`). */
  end(): boolean {
    if (this.ended) return false;
    if (this.at === At.CrAfterQuote) this.malformed = true;
    return true;
  }

  private begin(startsWithCr: boolean): void {
    this.ended = false;
    this.recordLine = this.line;
    this.length = 0;
    this.malformed = false;
    this.quotes = false;
    this.startsWithCr = startsWithCr;
  }
}
