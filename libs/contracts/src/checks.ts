import { registerDecorator, type ValidationOptions } from 'class-validator';

/** What is wrong with a value, as the end of a sentence ("must be ..."); undefined when nothing is. */
export type Check = (value: unknown) => string | undefined;

/**
 * A property rule that is one plain function. Large arrays are checked by it in one loop: class-validator's nested
 * validators cost microseconds for every element.
 */
export function Checked(rule: string, check: Check, options?: ValidationOptions): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: rule,
      target: target.constructor,
      propertyName: String(property),
      ...(options ? { options } : {}),
      validator: {
        validate: (value: unknown) => check(value) === undefined,
        defaultMessage: (args) => `${args?.property ?? String(property)} ${check(args?.value) ?? 'is wrong'}`,
      },
    });
  };
}

export type Plain = Readonly<Record<string, unknown>>;

export const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isText = (value: unknown): value is string => typeof value === 'string';
export const isFiniteNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Checks that a value is an array of `min` to `max` elements and each element with `check`; names the first bad one by its index. */
export function arrayOf(check: Check, { min = 0, max = Infinity }: { min?: number; max?: number } = {}): Check {
  return (value) => {
    if (!Array.isArray(value)) return 'must be an array';
    if (value.length < min || value.length > max) {
      return max === Infinity ? `must have at least ${min} elements` : `must have ${min} to ${max} elements`;
    }
    for (let i = 0; i < value.length; i++) {
      const problem = check(value[i]);
      if (problem) return `element ${i} ${problem}`;
    }
    return undefined;
  };
}

/** Checks the fields of a plain object; names the first bad one. */
export function fields(checks: Readonly<Record<string, Check>>): Check {
  const entries = Object.entries(checks);
  return (value) => {
    if (!isPlain(value)) return 'must be an object';
    for (const [name, check] of entries) {
      const problem = check(value[name]);
      if (problem) return `${name} ${problem}`;
    }
    return undefined;
  };
}

export const must =
  (holds: (value: unknown) => boolean, problem: string): Check =>
  (value) =>
    holds(value) ? undefined : problem;

export const textCheck: Check = must(isText, 'must be a string');
export const countCheck: Check = must(isCount, 'must be a whole number of 0 or more');
export const numberCheck: Check = must(isFiniteNumber, 'must be a finite number');
/** `null` stands for a number beyond what a double holds. */
export const numberOrNull: Check = must((v) => v === null || isFiniteNumber(v), 'must be a finite number or null');
export const valueAndCount: Check = must(
  (v) => Array.isArray(v) && v.length === 2 && isText(v[0]) && isCount(v[1]),
  'must be a pair of a string and a whole number',
);
