import type { ValidatorConstraintInterface } from 'class-validator';
import type { ValidationMetadata } from './metadata.js';

/** Whether a value keeps a rule for certain. If not, the rule itself is asked, which needs more to be told, and is slower. */
export type Quick = (value: unknown) => boolean;

const never: Quick = () => false;
const isNumber = (value: unknown): value is number => typeof value === 'number';

/** One of class-validator's own rules: its default message after the property's name, and its check. */
type OwnRule = readonly [message: string, check: (first: unknown, second: unknown) => Quick];

/** `len` of validator.js counts a surrogate pair, and one with its variation selector, once: three characters at most. */
const isLength = (min: unknown, max: unknown): Quick =>
  isNumber(min) && (isNumber(max) || max === undefined)
    ? (value) => typeof value === 'string' && value.length / 3 >= min && (max === undefined || value.length <= max)
    : never;

const own: Readonly<Record<string, OwnRule>> = {
  isString: ['must be a string', () => (value) => typeof value === 'string'],
  isBoolean: ['must be a boolean value', () => (value) => typeof value === 'boolean'],
  isInt: ['must be an integer number', () => Number.isInteger],
  isNumber: [
    'must be a number conforming to the specified constraints',
    (options) => ((options as { maxDecimalPlaces?: number }).maxDecimalPlaces === undefined ? Number.isFinite : never),
  ],
  isPositive: ['must be a positive number', () => (value) => isNumber(value) && value > 0],
  min: [
    'must not be less than $constraint1',
    (least) => (isNumber(least) ? (value) => isNumber(value) && value >= least : never),
  ],
  max: [
    'must not be greater than $constraint1',
    (most) => (isNumber(most) ? (value) => isNumber(value) && value <= most : never),
  ],
  isDate: ['must be a Date instance', () => (value) => value instanceof Date && !Number.isNaN(value.getTime())],
  isObject: [
    'must be an object',
    () => (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  ],
  isArray: ['must be an array', () => Array.isArray],
  arrayMinSize: [
    'must contain at least $constraint1 elements',
    (least) => (value) => Array.isArray(value) && value.length >= (least as number),
  ],
  arrayMaxSize: [
    'must contain no more than $constraint1 elements',
    (most) => (value) => Array.isArray(value) && value.length <= (most as number),
  ],
  isNotEmpty: ['should not be empty', () => (value) => value !== '' && value !== null && value !== undefined],
  isIn: [
    'must be one of the following values: $constraint1',
    // Not includes(), which takes NaN for itself.
    (values) => (Array.isArray(values) ? (value) => values.indexOf(value) !== -1 : never),
  ],
  isLength: ['must be longer than or equal to $constraint1 characters', isLength],
  minLength: ['must be longer than or equal to $constraint1 characters', (min) => isLength(min, undefined)],
  maxLength: ['must be shorter than or equal to $constraint1 characters', (max) => isLength(0, max ?? null)],
  matches: [
    'must match $constraint1 regular expression',
    (pattern) =>
      pattern instanceof RegExp && !pattern.global && !pattern.sticky
        ? (value) => typeof value === 'string' && pattern.test(value)
        : never,
  ],
};

/**
 * What tells without a call of class-validator that a value keeps its rule. An app's rule may have the name of one of
 * class-validator's own, but does not say the same of what breaks it.
 */
export function quickOf(rule: ValidationMetadata, name: string, constraint: ValidatorConstraintInterface): Quick {
  if (rule.validateIf || !Object.hasOwn(own, name)) return never;
  const [message, check] = own[name] as OwnRule;
  const [first, second] = (rule.constraints as readonly unknown[] | undefined) ?? [];
  // The whole message: an app's rule that says more ('must be a string of digits') also asks for more.
  if (messageOf(constraint, rule.constraints) !== `${rule.each ? 'each value in ' : ''}$property ${message}`)
    return never;
  const holds = check(first, second);
  return rule.each ? (value) => Array.isArray(value) && allHold(value, holds) : holds;
}

function messageOf(constraint: ValidatorConstraintInterface, constraints: unknown[]): string {
  try {
    const broken = { value: '', constraints, property: '', object: {}, targetName: '' };
    return String(constraint.defaultMessage?.(broken));
  } catch {
    return '';
  }
}

function allHold(items: readonly unknown[], holds: Quick): boolean {
  for (let i = 0; i < items.length; i++) if (!holds(items[i])) return false;
  return true;
}
