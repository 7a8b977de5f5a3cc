import type { ByteReader, ByteWriter } from './bytes.js';

type Table = Readonly<Record<string, unknown>>;

type Kind = 'Int8' | 'UInt8' | 'Int16BE' | 'UInt16BE' | 'Int32BE' | 'UInt32BE' | 'FloatBE' | 'DoubleBE';

/** A type of numbers: its tag, how Node writes and reads it, its size, and what amqplib calls it in `{ '!': name, value }`. */
interface NumberType {
  readonly tag: number;
  readonly write: `write${Kind}`;
  readonly read: `read${Kind}`;
  readonly bytes: number;
  readonly names: readonly string[];
}

const code = (letter: string): number => letter.charCodeAt(0);

const numbers = (letter: string, kind: Kind, bytes: number, ...names: string[]): NumberType => ({
  tag: code(letter),
  write: `write${kind}`,
  read: `read${kind}`,
  bytes,
  names,
});

/** https://www.rabbitmq.com/amqp-0-9-1-errata.html, section 3 */
const TAG = {
  boolean: code('t'),
  int64: code('l'),
  decimal: code('D'),
  text: code('S'),
  array: code('A'),
  timestamp: code('T'),
  table: code('F'),
  nothing: code('V'),
  bytes: code('x'),
} as const;
const INT8 = numbers('b', 'Int8', 1, 'byte', 'int8');
const INT16 = numbers('s', 'Int16BE', 2, 'short', 'int16');
const INT32 = numbers('I', 'Int32BE', 4, 'int', 'int32');
const DOUBLE = numbers('d', 'DoubleBE', 8, 'double', 'float64');
const NUMBERS: readonly NumberType[] = [
  INT8,
  INT16,
  INT32,
  DOUBLE,
  numbers('B', 'UInt8', 1, 'unsignedbyte', 'uint8'),
  numbers('u', 'UInt16BE', 2, 'unsignedshort', 'uint16'),
  numbers('i', 'UInt32BE', 4, 'unsignedint', 'uint32'),
  numbers('f', 'FloatBE', 4, 'float'),
];
const byTag = new Map(NUMBERS.map((type) => [type.tag, type]));
const byName = new Map(NUMBERS.flatMap((type) => type.names.map((name) => [name, type])));

/** Writes a table without the keys that `leavesOut` names, and `more` behind it. Its values are such as `checkHeaders` accepts. */
export function writeTable(
  to: ByteWriter,
  table: Table,
  leavesOut?: (key: string) => boolean,
  more?: () => void,
): void {
  const begin = to.beginLength();
  for (const key of Object.keys(table)) {
    const value = table[key];
    if (value === undefined || leavesOut?.(key)) continue;
    to.shortText(key);
    writeValue(to, value);
  }
  more?.();
  to.endLength(begin);
}

export function writeValue(to: ByteWriter, value: unknown): void {
  if (typeof value === 'string') {
    to.uint8(TAG.text);
    to.longText(value);
  } else if (typeof value === 'number') writeNumber(to, value);
  else if (typeof value === 'boolean') {
    to.uint8(TAG.boolean);
    to.uint8(value ? 1 : 0);
  } else writeObject(to, value as object | null);
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
    const { '!': name, value: given } = value as { readonly '!': string; readonly value: unknown };
    writeNamed(to, name, given);
  } else {
    to.uint8(TAG.table);
    writeTable(to, value as Table);
  }
}

/** A whole number in its shortest form; RabbitMQ has no unsigned ones. */
function writeNumber(to: ByteWriter, value: number): void {
  if (!Number.isInteger(value) || value >= 2 ** 63) writeAs(DOUBLE, to, value);
  else if (value >= -0x80 && value < 0x80) writeAs(INT8, to, value);
  else if (value >= -0x8000 && value < 0x8000) writeAs(INT16, to, value);
  else if (value >= -0x8000_0000 && value < 0x8000_0000) writeAs(INT32, to, value);
  else writeInt64(to, TAG.int64, value);
}

function writeAs({ tag, write }: NumberType, to: ByteWriter, value: number): void {
  to.uint8(tag);
  to.at = to.bytes[write](value, to.at);
}

function writeInt64(to: ByteWriter, tag: number, value: number): void {
  to.uint8(tag);
  to.at = to.bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(value)), to.at);
}

function writeNamed(to: ByteWriter, name: string, given: unknown): void {
  const type = byName.get(name);
  if (type) writeAs(type, to, given as number);
  else if (name === 'timestamp') writeInt64(to, TAG.timestamp, given as number);
  else if (name === 'decimal') {
    const { places, digits } = given as { readonly places: number; readonly digits: number };
    to.uint8(TAG.decimal);
    to.uint8(places);
    to.uint32(digits);
  } else writeInt64(to, TAG.int64, given as number);
}

/** Tables and lists within each other are read so deep; what is deeper would take the stack of the process. */
const MAX_DEPTH = 100;
const TOO_DEEP = '[nested too deep]';

/** Reads a table but for what `take` answers true for. */
export function readTable(
  from: ByteReader,
  take?: (key: string, value: unknown) => boolean,
  depth = 0,
): Record<string, unknown> {
  const end = from.uint32() + from.at;
  const table: Record<string, unknown> = {};
  while (from.at < end) {
    const key = from.shortText();
    const value = readValue(from, depth);
    // It would become the table's prototype.
    if (key !== '__proto__' && !take?.(key, value)) table[key] = value;
  }
  return table;
}

/** As amqplib reads it: what has no type in JavaScript is `{ '!': name, value }`. */
function readValue(from: ByteReader, depth: number): unknown {
  const tag = from.uint8();
  if (depth === MAX_DEPTH && (tag === TAG.table || tag === TAG.array)) {
    from.take(from.uint32());
    return TOO_DEEP;
  }
  switch (tag) {
    case TAG.text:
      return from.longText();
    case TAG.boolean:
      return from.uint8() !== 0;
    case TAG.timestamp:
      return { '!': 'timestamp', value: from.uint64() };
    case TAG.decimal:
      return { '!': 'decimal', value: { places: from.uint8(), digits: from.uint32() } };
    case TAG.nothing:
      return null;
    case TAG.bytes:
      return from.take(from.uint32());
    case TAG.table:
      return readTable(from, undefined, depth + 1);
    case TAG.array:
      return readArray(from, depth + 1);
    case TAG.int64:
      from.at += 8;
      return Number(from.bytes.readBigInt64BE(from.at - 8));
    default:
      return readNumber(from, tag);
  }
}

function readArray(from: ByteReader, depth: number): unknown[] {
  const end = from.uint32() + from.at;
  const items: unknown[] = [];
  while (from.at < end) items.push(readValue(from, depth));
  return items;
}

function readNumber(from: ByteReader, tag: number): number {
  const type = byTag.get(tag);
  if (!type) throw new TypeError(`a header has a value of an unknown type: ${tag}`);
  from.at += type.bytes;
  return from.bytes[type.read](from.at - type.bytes);
}
