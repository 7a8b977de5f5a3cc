import { RefusedDataError } from '../errors.js';

/*
 * Arrays as the database itself writes them. The driver's own form is text, in which each element is quoted, escaped and
 * parsed again: three times the CPU for a batch, here and in the server.
 */

type Nullable<T> = T | null | undefined;

/** From here on the bytes of a text are counted before there is room made for them. */
const LONG_TEXT = 1_024;

const HEADER_BYTES = 20;
/** 2000-01-01 in ms: where the database begins to count. */
const EPOCH = Date.UTC(2000, 0, 1);

/** `text[]`. What is in UTF-8 already may be given as its bytes. */
export const texts = (values: readonly Nullable<string | Uint8Array>[]): Buffer =>
  arrayOf(25, values, mostBytes, writeText);

/** `json[]`, of JSON. */
export const jsons = (values: readonly Nullable<string>[]): Buffer => arrayOf(114, values, mostBytes, writeText);

export const booleans = (values: readonly Nullable<boolean>[]): Buffer =>
  arrayOf(
    16,
    values,
    () => 1,
    (buffer, at, value) => buffer.writeInt8(value ? 1 : 0, at) - at,
  );

export const smallints = (values: readonly Nullable<number>[]): Buffer =>
  arrayOf(
    21,
    values,
    () => 2,
    (buffer, at, value) => buffer.writeInt16BE(whole(value, 'smallint', 2 ** 15 - 1), at) - at,
  );

export const integers = (values: readonly Nullable<number>[]): Buffer =>
  arrayOf(
    23,
    values,
    () => 4,
    (buffer, at, value) => buffer.writeInt32BE(whole(value, 'integer', 2 ** 31 - 1), at) - at,
  );

export const bigints = (values: readonly Nullable<number | string>[]): Buffer =>
  arrayOf(
    20,
    values,
    () => 8,
    (buffer, at, value) => writeInt64(buffer, at, whole(Number(value), 'bigint', Number.MAX_SAFE_INTEGER)),
  );

export const timestamps = (values: readonly Nullable<Date>[]): Buffer =>
  arrayOf(
    1184,
    values,
    () => 8,
    (buffer, at, value) => {
      const ms = whole(value.getTime() - EPOCH, 'timestamp', Number.MAX_SAFE_INTEGER);
      const micros = ms * 1_000;
      if (Number.isSafeInteger(micros)) return writeInt64(buffer, at, micros);
      return buffer.writeBigInt64BE(BigInt(ms) * 1_000n, at) - at;
    },
  );

function arrayOf<T>(
  elementType: number,
  values: readonly Nullable<T>[],
  /** The most bytes that a value may take. */
  sizeOf: (value: T) => number,
  /** Returns how many it took. */
  write: (buffer: Buffer, at: number, value: T) => number,
): Buffer {
  let bytes = HEADER_BYTES + 4 * values.length;
  for (const value of values) if (value !== null && value !== undefined) bytes += sizeOf(value);
  const buffer = Buffer.allocUnsafe(bytes);
  buffer.writeInt32BE(values.length > 0 ? 1 : 0, 0); // dimensions
  buffer.writeInt32BE(0, 4);
  buffer.writeInt32BE(elementType, 8);
  if (values.length === 0) return buffer.subarray(0, 12);
  buffer.writeInt32BE(values.length, 12);
  buffer.writeInt32BE(1, 16); // the first index
  let at = HEADER_BYTES;
  for (const value of values) {
    const size = value === null || value === undefined ? -1 : write(buffer, at + 4, value);
    buffer.writeInt32BE(size, at);
    at += 4 + Math.max(size, 0);
  }
  return buffer.subarray(0, at);
}

function mostBytes(text: string | Uint8Array): number {
  if (typeof text !== 'string') return text.length;
  return text.length < LONG_TEXT ? text.length * 3 : Buffer.byteLength(text);
}

function writeText(buffer: Buffer, at: number, text: string | Uint8Array): number {
  if (typeof text === 'string') return buffer.write(text, at);
  buffer.set(text, at);
  return text.length;
}

/** A third of what `writeBigInt64BE` takes. */
function writeInt64(buffer: Buffer, at: number, value: number): number {
  const high = Math.floor(value / 2 ** 32);
  buffer.writeInt32BE(high, at);
  buffer.writeUInt32BE(value - high * 2 ** 32, at + 4);
  return 8;
}

/** Refuses what the database would refuse as well. */
function whole(value: number, type: string, limit: number): number {
  if (Number.isInteger(value) && Math.abs(value) <= limit) return value;
  throw new RefusedDataError('22003', `${value} is no ${type}`);
}
