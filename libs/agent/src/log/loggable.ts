import { inspect } from 'node:util';
import { contractKey, contractOfInstance, shortened } from 'agentmq/protocol';

/** How deep values are shown, of how many items each, of how many in a line, and of how many characters a text. */
const DEPTH = 6;
const ITEMS = 100;
const VALUES = 1_000;
const TEXT = 10_000;

const MORE = '[…]';

/**
 * Makes the values of one line loggable: in JSON's types, of bounded size altogether, and without the payloads of sensitive
 * contracts. What can't be read (a getter that throws) is told in its place: logging never throws.
 */
export function lineOfValues(): (value: unknown) => unknown {
  let left = VALUES;
  const around = new Set<object>();

  const read = (get: () => unknown, depth: number): unknown => {
    left--;
    try {
      const value = get();
      if (typeof value === 'string') return shortened(value, TEXT);
      if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function') return inspect(value);
      if (typeof value !== 'object' || value === null || value instanceof Date) return value;
      const contract = contractOfInstance(value);
      if (contract?.sensitive) return `[${contractKey(contract)} is sensitive]`;
      if (around.has(value)) return '[circular]';
      if (depth === 0) return MORE;
      around.add(value);
      try {
        return parts(value, depth - 1);
      } finally {
        around.delete(value);
      }
    } catch {
      return '[unreadable]';
    }
  };

  const parts = (value: object, depth: number): unknown => {
    const inner = (each: unknown): unknown => read(() => each, depth);
    if (value instanceof Error)
      return { ...fields(value, ['name', 'message', 'stack'], depth), ...fields(value, Object.keys(value), depth) };
    if (Array.isArray(value) || value instanceof Set) return items(value, inner);
    if (value instanceof Map) return items(value, ([key, each]) => [inner(key), inner(each)]);
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    const { toJSON } = value as { readonly toJSON?: unknown };
    const json: unknown = typeof toJSON === 'function' ? toJSON.call(value) : value;
    return json === value ? fields(value, Object.keys(value), depth) : inner(json);
  };

  const items = <T>(values: Iterable<T>, shown: (each: T) => unknown): unknown[] => {
    const all: unknown[] = [];
    for (const each of values) {
      if (all.length === ITEMS || left <= 0) return [...all, MORE];
      all.push(shown(each));
    }
    return all;
  };

  const fields = (value: object, keys: readonly string[], depth: number): Record<string, unknown> => {
    const all: [string, unknown][] = [];
    for (const key of keys) {
      if (all.length === ITEMS || left <= 0) return Object.fromEntries([...all, [MORE, MORE]]);
      all.push([key, read(() => (value as Record<string, unknown>)[key], depth)]);
    }
    return Object.fromEntries(all);
  };

  return (value) => read(() => value, DEPTH);
}
