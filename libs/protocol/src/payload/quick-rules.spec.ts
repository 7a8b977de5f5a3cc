import { describe, expect, it } from '@jest/globals';
import * as cv from 'class-validator';
import fc from 'fast-check';
import { constraintsOf, rulesOf } from './metadata.js';
import { quickOf } from './quick-rules.js';

const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ maxLength: 8, unit: fc.constantFrom('a', '😀', '\uFE0F', '\uFE0E', '\uD83D', '☺') }),
);
const scalar = fc.oneof(
  text,
  fc.integer({ min: -5, max: 5 }),
  fc.double(),
  fc.constantFrom<unknown>(null, undefined, true, NaN, -0, 'a', new Date(0), new Date(NaN), 5n),
);
const value = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 5 }),
  fc.anything({ withBoxedValues: true, withMap: true, withSet: true, withDate: true, withSparseArray: true }),
);
const sizes = [0, 1, 2, 3, 5, 2.5, NaN];

const decorators = (options: cv.ValidationOptions): [string, PropertyDecorator][] => [
  ['isString', cv.IsString(options)],
  ['isBoolean', cv.IsBoolean(options)],
  ['isInt', cv.IsInt(options)],
  ['isNumber', cv.IsNumber({}, options)],
  ['isNumber of places', cv.IsNumber({ maxDecimalPlaces: 1 }, options)],
  ['isNumber with NaN', cv.IsNumber({ allowNaN: true, allowInfinity: true }, options)],
  ['isPositive', cv.IsPositive(options)],
  ['isDate', cv.IsDate(options)],
  ['isObject', cv.IsObject(options)],
  ['isArray', cv.IsArray(options)],
  ['isNotEmpty', cv.IsNotEmpty(options)],
  ['isIn', cv.IsIn(['a', 1, NaN, null], options)],
  ['isIn of no list', cv.IsIn('abc' as never, options)],
  ['matches', cv.Matches(/^a*$/, options)],
  ['matches globally', cv.Matches(/a/g, options)],
  ['matches text', cv.Matches('^a*$', 'i', options)],
  ...sizes.flatMap((size): [string, PropertyDecorator][] => [
    [`min ${size}`, cv.Min(size, options)],
    [`max ${size}`, cv.Max(size, options)],
    [`arrayMinSize ${size}`, cv.ArrayMinSize(size, options)],
    [`arrayMaxSize ${size}`, cv.ArrayMaxSize(size, options)],
    [`minLength ${size}`, cv.MinLength(size, options)],
    [`maxLength ${size}`, cv.MaxLength(size, options)],
    [`isLength ${size}`, cv.Length(size, undefined, options)],
    [`isLength ${size} to 5`, cv.Length(size, 5, options)],
    [`isLength 0 to ${size}`, cv.Length(0, size, options)],
  ]),
  ['min of a text', cv.Min('1' as never, options)],
  ['maxLength of null', cv.MaxLength(null as never, options)],
  ['isLength of null', cv.Length(null as never, null as never, options)],
];

function quick(decorate: PropertyDecorator) {
  class Declared {}
  decorate(Declared.prototype, 'value');
  const [rule] = rulesOf(Declared).get('value') ?? [];
  const [constraint] = rule ? constraintsOf(rule) : [];
  if (!rule || !constraint) throw new Error('no rule was declared');
  return { rule, constraint, holds: quickOf(rule, constraint.name, constraint.instance) };
}

describe('a quick check', () => {
  it.each(decorators({}))('takes nothing that class-validator refuses: %s', (_, decorate) => {
    const { rule, constraint, holds } = quick(decorate);
    fc.assert(
      fc.property(value, (given) => {
        const args = { constraints: rule.constraints, value: given, property: 'value', object: {}, targetName: '' };
        if (holds(given)) expect(constraint.instance.validate(given, args)).toBe(true);
      }),
    );
  });

  it.each(decorators({ each: true }))('of each item takes nothing that class-validator refuses: %s', (_, decorate) => {
    class Declared {
      value: unknown;
    }
    decorate(Declared.prototype, 'value');
    const { holds } = quick(decorate);
    fc.assert(
      fc.property(value, (given) => {
        if (holds(given)) expect(cv.validateSync(Object.assign(new Declared(), { value: given }))).toEqual([]);
      }),
    );
  });

  it('is there for what contracts are mostly made of', () => {
    const taken: [PropertyDecorator, unknown][] = [
      [cv.IsString({ message: 'of its own' }), 'a'],
      [cv.IsBoolean(), false],
      [cv.IsInt(), 1],
      [cv.IsNumber(), 0.5],
      [cv.IsPositive(), 1],
      [cv.Min(1), 1],
      [cv.Max(1), 1],
      [cv.IsDate(), new Date()],
      [cv.IsObject(), {}],
      [cv.IsArray(), []],
      [cv.ArrayMinSize(1), [1]],
      [cv.ArrayMaxSize(1), [1]],
      [cv.IsNotEmpty(), 'a'],
      [cv.IsIn(['a', 'b']), 'b'],
      [cv.Length(1, 5), 'abc'],
      [cv.Length(0, 5), ''],
      [cv.MinLength(1), 'abc'],
      [cv.MaxLength(3), 'abc'],
      [cv.Matches(/^a/), 'abc'],
      [cv.IsString({ each: true }), ['a', 'b']],
    ];
    for (const [decorate, given] of taken) expect(quick(decorate).holds(given)).toBe(true);
  });

  it('is not there for rules of an app, whatever their name, nor for a rule that holds sometimes', () => {
    const named = (defaultMessage?: () => string): PropertyDecorator =>
      cv.ValidateBy({
        name: 'isInt',
        validator: { validate: () => false, ...(defaultMessage ? { defaultMessage } : {}) },
      });
    for (const decorate of [
      named(),
      named(() => '$property must be an even number'),
      named(() => '$property must be an integer number that is odd'),
      named(() => {
        throw new Error('not today');
      }),
      cv.IsInt({ validateIf: () => true }),
    ]) {
      expect(quick(decorate).holds(2)).toBe(false);
    }
  });
});
