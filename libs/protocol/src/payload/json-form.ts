import { types } from 'node:util';
import { MAX_DEPTH, MAX_PARTS, tooDeep, tooMany } from './limits.js';

/** What has no form in JSON, and where. */
export class NoJsonFormError extends Error {
  constructor(
    readonly field: string,
    readonly problem: string,
  ) {
    super(`${field} ${problem}`);
  }
}

/**
 * A value as JSON carries it: the value itself where that is plain, else a copy, in which objects with `toJSON` are
 * what that gives. What JSON would change in silence is refused: NaN and Infinity, an item that is undefined, a Map, a
 * Buffer. A property that is undefined is an absent one. Throws {@link NoJsonFormError}.
 */
export const jsonForm = (value: unknown): unknown => new Walk().formOf(value);

class Walk {
  private readonly path: (string | number)[] = [];
  private parts = 0;

  formOf(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        if (Number.isFinite(value)) return value;
        break;
      case 'object':
        return value === null ? null : this.formOfObject(value);
      default:
    }
    throw this.problem(`is ${typeof value === 'number' ? value : `a ${typeof value}`}, which has no form in JSON`);
  }

  private formOfObject(value: object): unknown {
    if (this.path.length >= MAX_DEPTH) throw this.problem(`${tooDeep}, or contains itself`);
    this.countPart();
    if (Array.isArray(value)) return this.formOfItems(value);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      const kind = kindWithoutForm(value);
      if (kind !== undefined) throw this.problem(`is ${kind}, which has no form in JSON`);
    }
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON !== 'function') return this.formOfFields(value, false);
    const given: unknown = toJSON.call(value, String(this.path.at(-1) ?? ''));
    if (given === null) throw this.problem('has no form in JSON: its toJSON gives null');
    if (typeof given !== 'object') return this.formOf(given);
    return Array.isArray(given) ? this.formOfItems(given) : this.formOfFields(given, true);
  }

  private formOfItems(items: readonly unknown[]): readonly unknown[] {
    let copy: unknown[] | undefined;
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (typeof item === 'string') {
        copy?.push(item);
        continue;
      }
      this.path.push(i);
      const form = this.formOf(item);
      this.path.pop();
      if (form !== item) copy ??= items.slice(0, i);
      copy?.push(form);
    }
    return copy ?? items;
  }

  private formOfFields(value: object, copied: boolean): object {
    const fields = value as Readonly<Record<string, unknown>>;
    let copy: Record<string, unknown> | undefined = copied ? {} : undefined;
    for (const key of Object.keys(fields)) {
      const field = fields[key];
      if (field === undefined) continue;
      this.countPart();
      this.path.push(key);
      if (key === '__proto__') throw this.problem('is no name for a field');
      const form = this.formOf(field);
      this.path.pop();
      if (form !== field) copy ??= { ...fields };
      if (copy) copy[key] = form;
    }
    return copy ?? value;
  }

  private countPart(): void {
    if (++this.parts > MAX_PARTS) throw new NoJsonFormError('payload', tooMany);
  }

  private problem(text: string): NoJsonFormError {
    return new NoJsonFormError(this.path.join('.') || 'payload', text);
  }
}

/** Objects that `JSON.stringify` makes `{}` of, or something that no receiver could make the object of again. */
function kindWithoutForm(value: object): string | undefined {
  if (types.isMap(value) || types.isSet(value) || types.isWeakMap(value) || types.isWeakSet(value)) {
    return `a ${value.constructor.name}`;
  }
  if (types.isArrayBufferView(value) || types.isAnyArrayBuffer(value)) return `a ${value.constructor.name}`;
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return types.isDate(value) && Number.isNaN(value.getTime()) ? 'an invalid Date' : undefined;
  }
  if (types.isPromise(value) || types.isRegExp(value) || types.isBoxedPrimitive(value)) {
    return `a ${value.constructor.name}`;
  }
  return types.isNativeError(value) ? 'an Error' : undefined;
}
