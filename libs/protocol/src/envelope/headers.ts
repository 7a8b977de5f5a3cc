import { MAX_SHORT_BYTES } from './envelope.js';
import { InvalidMessageError } from '../errors.js';

/** All headers that may be sent with a message together, in bytes as AMQP encodes them. */
const MAX_HEADER_BYTES = 32 * 1024;
/** Of tables and lists within each other. */
const MAX_DEPTH = 32;

type Fits = (value: unknown) => boolean;

const whole =
  (least: number, most: number): Fits =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const finite: Fits = (value) => Number.isFinite(value);

/** The types that a value can be given by `{ '!': type, value }`. */
const TYPED: Readonly<Record<string, Fits>> = {
  byte: whole(-0x80, 0x7f),
  int8: whole(-0x80, 0x7f),
  unsignedbyte: whole(0, 0xff),
  uint8: whole(0, 0xff),
  short: whole(-0x8000, 0x7fff),
  int16: whole(-0x8000, 0x7fff),
  unsignedshort: whole(0, 0xffff),
  uint16: whole(0, 0xffff),
  int: whole(-0x8000_0000, 0x7fff_ffff),
  int32: whole(-0x8000_0000, 0x7fff_ffff),
  unsignedint: whole(0, 0xffff_ffff),
  uint32: whole(0, 0xffff_ffff),
  long: whole(-(2 ** 63), 2 ** 63 - 1024),
  int64: whole(-(2 ** 63), 2 ** 63 - 1024),
  timestamp: whole(0, 2 ** 63),
  double: finite,
  float64: finite,
  float: (value) => finite(value) && Number.isFinite(Math.fround(value as number)),
  decimal: (value) => {
    const { places, digits } = Object(value) as { places?: unknown; digits?: unknown };
    return whole(0, 0xff)(places) && whole(0, 0xffff_ffff)(digits);
  },
};

/**
 * Throws {@link InvalidMessageError} that names the header unless AMQP can carry all of them: text, finite numbers,
 * booleans, null, Buffers, and lists and plain tables of these. What has no place in a message ends the connection of
 * its sender.
 */
export function checkHeaders(headers: Readonly<Record<string, unknown>>, maxBytes = MAX_HEADER_BYTES): void {
  if (!isTable(headers)) throw new InvalidMessageError('headers', 'is no table');
  if (areFewAndPlain(headers, maxBytes)) return;
  const bytes = tableBytes(headers, 'headers', 0);
  if (bytes > maxBytes) {
    throw new InvalidMessageError('headers', `take ${bytes} bytes, more than the ${maxBytes} allowed`);
  }
}

/** No UTF-8 text has more than three bytes for each of its characters. */
const MAX_KEY = MAX_SHORT_BYTES / 3;

/** Short keys and texts, numbers and booleans that fit for certain: what nearly every message has, told without measuring. */
function areFewAndPlain(headers: Readonly<Record<string, unknown>>, maxBytes: number): boolean {
  let most = 4;
  for (const key in headers) {
    const value = headers[key];
    if (key.length > MAX_KEY) return false;
    if (typeof value !== 'string' && typeof value !== 'boolean' && !Number.isSafeInteger(value)) return false;
    most += 10 + 3 * (key.length + (typeof value === 'string' ? value.length : 0));
  }
  return most <= maxBytes;
}

function tableBytes(table: Readonly<Record<string, unknown>>, path: string, depth: number): number {
  let bytes = 4;
  for (const [key, value] of Object.entries(table)) {
    const length = Buffer.byteLength(key);
    if (length > MAX_SHORT_BYTES)
      throw new InvalidMessageError(path, `has a key of ${length} bytes, more than ${MAX_SHORT_BYTES}`);
    // AMQP clients leave it out.
    if (value !== undefined) bytes += 1 + length + valueBytes(value, `${path}.${key}`, depth + 1);
  }
  return bytes;
}

function valueBytes(value: unknown, path: string, depth: number): number {
  if (depth > MAX_DEPTH) throw new InvalidMessageError(path, `is nested deeper than ${MAX_DEPTH} levels, or in itself`);
  if (typeof value === 'string') return 5 + Buffer.byteLength(value);
  if (typeof value === 'boolean' || value === null) return 2;
  if (typeof value === 'number') {
    if (!finite(value) || value < -(2 ** 63))
      throw new InvalidMessageError(path, `${value} is no number that AMQP has`);
    return 9;
  }
  if (Buffer.isBuffer(value)) return 5 + value.length;
  if (Array.isArray(value)) {
    return value.reduce<number>((bytes, item, index) => bytes + valueBytes(item, `${path}.${index}`, depth + 1), 5);
  }
  if (!isTable(value)) throw new InvalidMessageError(path, `AMQP has no ${kindOf(value)}`);
  return Object.hasOwn(value, '!') ? typedBytes(value, path) : 1 + tableBytes(value, path, depth);
}

function typedBytes({ '!': type, value }: Readonly<Record<string, unknown>>, path: string): number {
  const fits = typeof type === 'string' && Object.hasOwn(TYPED, type) ? TYPED[type] : undefined;
  if (!fits) throw new InvalidMessageError(path, 'has a key "!", which stands for the name of a type, and names none');
  if (!fits(value)) throw new InvalidMessageError(path, `is no ${String(type)}`);
  return 10;
}

function isTable(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const kindOf = (value: unknown): string =>
  typeof value === 'object' ? (value?.constructor.name ?? 'such object') : typeof value;
