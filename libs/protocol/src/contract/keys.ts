import { InvalidMessageError } from '../errors.js';
import { rulesOf } from '../payload/metadata.js';

/** Values of a payload by which operators find its message, as texts, by the names of their fields. */
export type MessageKeys = Readonly<Record<string, string>>;

const MOST_KEYS = 8;
/** In characters. A longer value is no key. */
const LONGEST_VALUE = 200;
const fieldName = /^[A-Za-z_$][A-Za-z0-9_$-]{0,63}$/;

/** What a property is declared as; `Object` stands for a union. */
const SCALARS: ReadonlySet<unknown> = new Set([String, Number, Boolean, Object, undefined]);

/** Throws {@link InvalidMessageError} unless each is a field of the class that may have a string, a number or a boolean. */
export function checkKeys(target: Function, keys: readonly string[], sensitive: boolean): void {
  if (keys.length === 0) return;
  if (sensitive) throw new InvalidMessageError('keys', 'are stored in clear, which a sensitive contract forbids');
  if (keys.length > MOST_KEYS || new Set(keys).size < keys.length)
    throw new InvalidMessageError('keys', `are more than ${MOST_KEYS}, or one of them is named twice`);
  const rules = rulesOf(target);
  for (const name of keys) {
    if (!fieldName.test(name) || !rules.has(name))
      throw new InvalidMessageError('keys', `"${name}" is no field of ${target.name} that has a rule`);
    if (!SCALARS.has(Reflect.getMetadata('design:type', target.prototype as object, name)))
      throw new InvalidMessageError('keys', `"${name}" of ${target.name} is no string, number or boolean`);
  }
}

/**
 * The keys of a payload, given as the JSON value that it travels as. Undefined where it has none: a field that is absent, of
 * another type, empty, or longer than 200 characters is left out.
 */
export function keysOf({ keys }: { readonly keys: readonly string[] }, plain: unknown): MessageKeys | undefined {
  if (keys.length === 0 || typeof plain !== 'object' || plain === null) return undefined;
  const found = keys.flatMap((name) => {
    const value: unknown = Object.hasOwn(plain, name) ? (plain as Record<string, unknown>)[name] : undefined;
    const text = textOf(value);
    return text === undefined ? [] : [[name, text] as const];
  });
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string')
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  return value !== '' && value.length <= LONGEST_VALUE ? value : undefined;
}
