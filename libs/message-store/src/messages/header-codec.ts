/** Marks what JSON has no form for: `{ "$agentmq": "bytes", "value": "AAE=" }`. */
const TAG = '$agentmq';
/** A header table may nest as deep as a frame has room for; JSON parsers, Postgres' own included, may not. */
const MAX_DEPTH = 32;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const tagged = (kind: string, value: Json): Json => ({ [TAG]: kind, value });

/**
 * Any value as JSON that {@link decode} makes the same value again: Buffers, Dates, bigints and odd numbers too. What
 * has no value to keep (functions, symbols, cycles, more than 32 levels) becomes text that says so. Never throws.
 */
export function encode(value: unknown): Json {
  return encodeAt(value, [], 0);
}

function encodeAt(value: unknown, path: readonly unknown[], depth: number): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : tagged('number', Object.is(value, -0) ? '-0' : String(value));
    case 'bigint':
      return tagged('bigint', String(value));
    case 'undefined':
      return tagged('undefined', null);
    case 'object':
      break;
    default:
      return `[${typeof value}]`;
  }
  if (value === null) return null;
  if (value instanceof Uint8Array) return tagged('bytes', Buffer.from(value).toString('base64'));
  if (value instanceof Date) return tagged('date', Number.isNaN(value.getTime()) ? null : value.toISOString());
  if (depth >= MAX_DEPTH) return '[nested too deep]';
  if (path.includes(value)) return '[circular]';
  const inside = [...path, value];
  if (Array.isArray(value)) return value.map((item) => encodeAt(item, inside, depth + 1));
  const table = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, encodeAt(item, inside, depth + 1)]),
  );
  return Object.hasOwn(value, TAG) ? tagged('table', table) : table;
}

/** The value that {@link encode} was given. */
export function decode(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(decode);
  if (!Object.hasOwn(value, TAG)) return decodeTable(value);
  const { [TAG]: kind, value: inner } = value as Record<string, unknown>;
  switch (kind) {
    case 'number':
      return Number(inner);
    case 'bigint':
      return BigInt(inner as string);
    case 'undefined':
      return undefined;
    case 'bytes':
      return Buffer.from(inner as string, 'base64');
    case 'date':
      return new Date(inner === null ? Number.NaN : (inner as string));
    default:
      return decodeTable(inner as object);
  }
}

const decodeTable = (table: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(table).map(([key, item]) => [key, decode(item)]));
