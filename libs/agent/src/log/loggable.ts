import { inspect } from 'node:util';
import { contractKey, contractOfInstance } from 'agentmq/protocol';

/** How deep values are shown, and of how many items. */
const DEPTH = 6;
const ITEMS = 100;

/** A value as it may be logged: in JSON's types, of bounded size, and without the payloads of sensitive contracts. */
export function loggable(value: unknown, depth = DEPTH): unknown {
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function') return inspect(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const contract = contractOfInstance(value);
  if (contract?.sensitive) return `[${contractKey(contract)} is sensitive]`;
  if (depth === 0) return '[…]';
  const inner = (each: unknown): unknown => loggable(each, depth - 1);
  if (value instanceof Error)
    return { name: value.name, message: value.message, stack: value.stack, ...entries(value, inner) };
  if (Array.isArray(value) || value instanceof Set) return [...value].slice(0, ITEMS).map(inner);
  if (value instanceof Map) return [...value].slice(0, ITEMS).map(([key, each]) => [inner(key), inner(each)]);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  return entries(value, inner);
}

const entries = (value: object, inner: (each: unknown) => unknown): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value)
      .slice(0, ITEMS)
      .map(([key, each]) => [key, inner(each)]),
  );
