import type { ByteReader, ByteWriter } from './bytes.js';

/** https://www.rabbitmq.com/amqp-0-9-1-errata.html, section 3 */
const TAG = {
  boolean: code('t'),
  int8: code('b'),
  uint8: code('B'),
  int16: code('s'),
  uint16: code('u'),
  int32: code('I'),
  uint32: code('i'),
  int64: code('l'),
  float: code('f'),
  double: code('d'),
  decimal: code('D'),
  text: code('S'),
  array: code('A'),
  timestamp: code('T'),
  table: code('F'),
  nothing: code('V'),
  bytes: code('x'),
} as const;

type Table = Readonly<Record<string, unknown>>;

/** A table without the keys that `leaveOut` names. Its values must be such as `checkHeaders` accepts. */
export function writeTable(to: ByteWriter, table: Table, leaveOut?: (key: string) => boolean, more?: () => void): void {
  const begin = to.beginLength();
  for (const key of Object.keys(table)) {
    const value = table[key];
    if (value === undefined || leaveOut?.(key)) continue;
    to.shortText(key);
    writeValue(to, value);
  }
  more?.();
  to.endLength(begin);
}

export function writeValue(to: ByteWriter, value: unknown): void {
  switch (typeof value) {
    case 'string':
      to.uint8(TAG.text);
      to.longText(value);
      return;
    case 'number':
      return writeNumber(to, value);
    case 'boolean':
      to.uint8(TAG.boolean);
      to.uint8(value ? 1 : 0);
      return;
    default:
      return writeObject(to, value as object | null);
  }
}

function writeObject(to: ByteWriter, value: object | null): void {
  if (value === null) to.uint8(TAG.nothing);
  else if (Buffer.isBuffer(value)) {
    to.uint8(TAG.bytes);
    to.uint32(value.length);
    to.copy(value);
  } else if (Array.isArray(value)) {
    to.uint8(TAG.array);
    const begin = to.beginLength();
    for (const item of value as unknown[]) writeValue(to, item);
    to.endLength(begin);
  } else if (Object.hasOwn(value, '!')) {
    const { '!': type, value: given } = value as { readonly '!': string; readonly value: unknown };
    writeTyped(to, type, given);
  } else {
    to.uint8(TAG.table);
    writeTable(to, value as Table);
  }
}

/** In the shortest form of a whole number; RabbitMQ has no unsigned ones. */
function writeNumber(to: ByteWriter, value: number): void {
  if (!Number.isInteger(value) || value >= 2 ** 63) writeTyped(to, 'double', value);
  else if (value >= -0x80 && value < 0x80) writeTyped(to, 'int8', value);
  else if (value >= -0x8000 && value < 0x8000) writeTyped(to, 'int16', value);
  else if (value >= -0x8000_0000 && value < 0x8000_0000) writeTyped(to, 'int32', value);
  else writeTyped(to, 'int64', value);
}

/** A value whose type its sender chose by `{ '!': type, value }`, in the names that amqplib has for types. */
function writeTyped(to: ByteWriter, type: string, given: unknown): void {
  const value = given as number;
  const { bytes, at } = to;
  switch (type) {
    case 'byte':
    case 'int8':
      to.uint8(TAG.int8);
      to.at = bytes.writeInt8(value, at + 1);
      return;
    case 'unsignedbyte':
    case 'uint8':
      to.uint8(TAG.uint8);
      return to.uint8(value);
    case 'short':
    case 'int16':
      to.uint8(TAG.int16);
      to.at = bytes.writeInt16BE(value, at + 1);
      return;
    case 'unsignedshort':
    case 'uint16':
      to.uint8(TAG.uint16);
      return to.uint16(value);
    case 'int':
    case 'int32':
      to.uint8(TAG.int32);
      to.at = bytes.writeInt32BE(value, at + 1);
      return;
    case 'unsignedint':
    case 'uint32':
      to.uint8(TAG.uint32);
      return to.uint32(value);
    case 'long':
    case 'int64':
      to.uint8(TAG.int64);
      to.at = bytes.writeBigInt64BE(BigInt(value), at + 1);
      return;
    case 'timestamp':
      to.uint8(TAG.timestamp);
      to.at = bytes.writeBigUInt64BE(BigInt(value), at + 1);
      return;
    case 'float':
      to.uint8(TAG.float);
      to.at = bytes.writeFloatBE(value, at + 1);
      return;
    case 'decimal': {
      const { places, digits } = given as { readonly places: number; readonly digits: number };
      to.uint8(TAG.decimal);
      to.uint8(places);
      return to.uint32(digits);
    }
    default:
      to.uint8(TAG.double);
      to.at = bytes.writeDoubleBE(value, at + 1);
  }
}

/** A table; `take` has the keys and values that it returns true for. */
export function readTable(from: ByteReader, take?: (key: string, value: unknown) => boolean): Record<string, unknown> {
  const end = from.uint32() + from.at;
  const table: Record<string, unknown> = {};
  while (from.at < end) {
    const key = from.shortText();
    const value = readValue(from);
    // It would become the table's prototype.
    if (key !== '__proto__' && !take?.(key, value)) table[key] = value;
  }
  return table;
}

/** As amqplib reads it, whose users know what has no type in JavaScript by `{ '!': type, value }`. */
function readValue(from: ByteReader): unknown {
  const tag = from.uint8();
  const { bytes, at } = from;
  switch (tag) {
    case TAG.text:
      return from.longText();
    case TAG.boolean:
      return from.uint8() !== 0;
    case TAG.int8:
      from.at += 1;
      return bytes.readInt8(at);
    case TAG.uint8:
      return from.uint8();
    case TAG.int16:
      from.at += 2;
      return bytes.readInt16BE(at);
    case TAG.uint16:
      return from.uint16();
    case TAG.int32:
      from.at += 4;
      return bytes.readInt32BE(at);
    case TAG.uint32:
      return from.uint32();
    case TAG.int64:
      from.at += 8;
      return Number(bytes.readBigInt64BE(at));
    case TAG.float:
      from.at += 4;
      return bytes.readFloatBE(at);
    case TAG.double:
      from.at += 8;
      return bytes.readDoubleBE(at);
    case TAG.timestamp:
      return { '!': 'timestamp', value: from.uint64() };
    case TAG.decimal:
      return { '!': 'decimal', value: { places: from.uint8(), digits: from.uint32() } };
    case TAG.nothing:
      return null;
    case TAG.bytes:
      return from.take(from.uint32());
    case TAG.table:
      return readTable(from);
    case TAG.array: {
      const end = from.uint32() + from.at;
      const items: unknown[] = [];
      while (from.at < end) items.push(readValue(from));
      return items;
    }
    default:
      throw new TypeError(`a header table has a value of an unknown type: ${tag}`);
  }
}

function code(letter: string): number {
  return letter.charCodeAt(0);
}
