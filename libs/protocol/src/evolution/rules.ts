import * as classValidator from 'class-validator';
import { constraintsOf, type ValidationMetadata } from '../payload/metadata.js';
import type { Schema, SchemaType } from './schema.js';

type Keywords = (given: readonly unknown[]) => Schema | undefined;

const bound = (type: SchemaType, keyword: keyof Schema) => (given: readonly unknown[]) =>
  typeof given[0] === 'number' ? { type, [keyword]: given[0] } : undefined;

/** The rules of class-validator that JSON Schema has words for, by name. Undefined where these would not say all. */
const inKeywords: Readonly<Record<string, Keywords>> = {
  isString: () => ({ type: 'string' }),
  isBoolean: () => ({ type: 'boolean' }),
  isInt: () => ({ type: 'integer' }),
  isNumber: ([options]) => (limitsDecimals(options) ? undefined : { type: 'number' }),
  isObject: () => ({ type: 'object' }),
  isArray: () => ({ type: 'array' }),
  isDate: () => ({ type: 'string', format: 'date-time' }),
  isIn: ([values]) => enumOf(values),
  isEnum: ([values]) => (isRecord(values) ? enumOf(Object.values(values)) : undefined),
  equals: ([value]) => enumOf([value]),
  min: bound('number', 'minimum'),
  max: bound('number', 'maximum'),
  isPositive: () => ({ type: 'number', exclusiveMinimum: 0 }),
  isNegative: () => ({ type: 'number', exclusiveMaximum: 0 }),
  minLength: bound('string', 'minLength'),
  maxLength: bound('string', 'maxLength'),
  isLength: ([min, max]) => ({
    type: 'string',
    ...(typeof min === 'number' ? { minLength: min } : {}),
    ...(typeof max === 'number' ? { maxLength: max } : {}),
  }),
  isNotEmpty: () => ({ minLength: 1 }),
  matches: ([pattern]) =>
    pattern instanceof RegExp && pattern.flags === '' ? { type: 'string', pattern: pattern.source } : undefined,
  arrayMinSize: bound('array', 'minItems'),
  arrayMaxSize: bound('array', 'maxItems'),
  arrayNotEmpty: () => ({ type: 'array', minItems: 1 }),
  arrayUnique: ([identifier]) => (identifier ? undefined : { type: 'array', uniqueItems: true }),
  isNotEmptyObject: ([options]) => (options ? undefined : { type: 'object', minProperties: 1 }),
  // what is missing is told apart: see `required` and `null` in describe.ts
  isDefined: () => ({}),
};

/** Words for readers; the rule itself is compared by its name. */
const formats: Readonly<Record<string, string>> = {
  isEmail: 'email',
  isIso8601: 'date-time',
  isRFC3339: 'date-time',
  isUrl: 'uri',
  isUuid: 'uuid',
};

const builtIn = new Set(Object.values(classValidator).filter((value) => typeof value === 'string'));
const noText: readonly unknown[] = [0, 1, -1, 0.5, true, false, {}, [], ['a'], [1]];

/** Whether a value keeps one rule. A rule that throws is broken. */
export function keepsRule(rule: ValidationMetadata, value: unknown): boolean {
  return constraintsOf(rule).every(({ instance }) => {
    try {
      const context = { constraints: rule.constraints, property: rule.propertyName, object: {}, value, targetName: '' };
      return instance.validate(value, context) === true;
    } catch {
      return false;
    }
  });
}

/** One rule as a schema of the value that keeps it. */
export function ruleSchema(rule: ValidationMetadata): Schema {
  const name = rule.name ?? '';
  const given: readonly unknown[] = rule.constraints ?? [];
  const keywords = Object.hasOwn(inKeywords, name) ? inKeywords[name]?.(given) : undefined;
  if (keywords) return keywords;
  const format = formats[name];
  return {
    ...(builtIn.has(name) && !noText.some((value) => keepsRule(rule, value)) ? { type: 'string' } : {}),
    ...(name === 'isNumber' ? { type: 'number' } : {}),
    ...(format ? { format } : {}),
    'x-rules': [ruleText(name, given)],
  };
}

/** `isUuid "4"`: a rule's name and what it was given, as far as that is data. */
export function ruleText(name: string, given: readonly unknown[]): string {
  const values = given.filter((value) => value !== undefined && typeof value !== 'function');
  return [name, ...values.map((value) => (value instanceof RegExp ? String(value) : JSON.stringify(value)))].join(' ');
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const limitsDecimals = (options: unknown): boolean => isRecord(options) && options['maxDecimalPlaces'] !== undefined;

function enumOf(values: unknown): Schema | undefined {
  if (!Array.isArray(values) || values.some((value) => isRecord(value) || value === undefined)) return undefined;
  return { enum: [...new Set<unknown>(values)].filter((value) => value !== null) };
}
