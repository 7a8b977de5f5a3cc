const MAX_SHORT_BYTES = 0xff;
const TWO_TO_32 = 2 ** 32;

/** Writes big-endian values one after another. Its user sees to it that there is room. */
export class ByteWriter {
  at = 0;

  constructor(readonly bytes: Buffer) {}

  get room(): number {
    return this.bytes.length - this.at;
  }

  uint8(value: number): void {
    this.at = this.bytes.writeUInt8(value, this.at);
  }

  uint16(value: number): void {
    this.at = this.bytes.writeUInt16BE(value, this.at);
  }

  uint32(value: number): void {
    this.at = this.bytes.writeUInt32BE(value, this.at);
  }

  /** A whole number that a double holds exactly. */
  uint64(value: number): void {
    this.uint32(Math.floor(value / TWO_TO_32));
    this.uint32(value % TWO_TO_32);
  }

  copy(bytes: Buffer): void {
    this.at += bytes.copy(this.bytes, this.at);
  }

  /** A text of at most 255 bytes after its length. Throws `RangeError` for a longer one. */
  shortText(text: string): void {
    const length = this.bytes.write(text, this.at + 1);
    if (length > MAX_SHORT_BYTES) throw new RangeError(`must be a string of up to ${MAX_SHORT_BYTES} bytes`);
    this.bytes[this.at] = length;
    this.at += 1 + length;
  }

  longText(text: string): void {
    const length = this.bytes.write(text, this.at + 4);
    this.uint32(length);
    this.at += length;
  }

  /** Leaves room for the length of what is written until `endLength`. */
  beginLength(): number {
    this.at += 4;
    return this.at;
  }

  endLength(begin: number): void {
    this.bytes.writeUInt32BE(this.at - begin, begin - 4);
  }
}

/** Reads big-endian values one after another. Throws `RangeError` at the end of the bytes. */
export class ByteReader {
  at = 0;

  constructor(public bytes: Buffer) {}

  uint8(): number {
    return this.bytes.readUInt8(this.at++);
  }

  uint16(): number {
    this.at += 2;
    return this.bytes.readUInt16BE(this.at - 2);
  }

  uint32(): number {
    this.at += 4;
    return this.bytes.readUInt32BE(this.at - 4);
  }

  /** Exact up to 2^53. */
  uint64(): number {
    return this.uint32() * TWO_TO_32 + this.uint32();
  }

  shortText(): string {
    return this.text(this.uint8());
  }

  longText(): string {
    return this.text(this.uint32());
  }

  take(length: number): Buffer {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  private text(length: number): string {
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }
}
