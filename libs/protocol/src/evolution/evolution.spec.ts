import { describe, expect, it } from '@jest/globals';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsDate,
  IsEnum,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  registerDecorator,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import fc from 'fast-check';
import { Contract, contractOf, type ContractOptions, type PayloadClass } from '../contract/contract.js';
import { readPayload, validatePayload } from '../payload/validation.js';
import { breakingChanges, changeText, describeContracts } from './changes.js';

type Rules = readonly PropertyDecorator[];
type Fields = Readonly<Record<string, Rules>>;

/** A contract class with these fields. */
function contract(fields: Fields, { type = 'quote', ...options }: Partial<ContractOptions> = {}): PayloadClass {
  class Payload {}
  for (const [name, rules] of Object.entries(fields)) for (const rule of rules) rule(Payload.prototype, name);
  Contract({ type, ...options })(Payload);
  return Payload;
}

const broken = (before: readonly PayloadClass[], now: readonly PayloadClass[]) =>
  breakingChanges(describeContracts(before), describeContracts(now));

/** What breaks by a change of fields, as `old: field rule`: the receivers, the field, and the rule. */
const changes = (before: Fields, now: Fields): string[] =>
  broken([contract(before)], [contract(now)]).map(({ receivers, field, rule }) => `${receivers}: ${field} ${rule}`);

const text = [IsString()];
const optional = (rules: Rules): Rules => [IsOptional(), ...rules];
const custom = (name: string): PropertyDecorator => {
  return (target, propertyName) =>
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: String(propertyName),
      validator: { validate: () => true },
    });
};

class Item {
  @IsString()
  sku!: string;
}

class StrictItem {
  @IsString()
  @Length(1, 10)
  sku!: string;
}

class Node {
  @IsOptional()
  @ValidateNested()
  @Type(() => Node)
  next?: Node;
}

const within = (payload: PayloadClass): Rules => [ValidateNested(), Type(() => payload)];
const nested = (payload: PayloadClass): Rules => [IsObject(), ...within(payload)];
const listOf = (payload: PayloadClass): Rules => [IsArray(), ...within(payload)];

describe('a change of a contract', () => {
  it.each<[string, Fields, Fields, string[]]>([
    ['nothing', { a: text }, { a: text }, []],
    ['an optional field is added', { a: text }, { a: text, b: optional(text) }, []],
    ['a required field is added', { a: text }, { a: text, b: text }, ['new: b required']],
    ['an optional field is removed', { a: text, b: optional(text) }, { a: text }, []],
    ['a required field is removed', { a: text, b: text }, { a: text }, ['old: b required']],
    ['a field is renamed', { a: text }, { b: text }, ['old: a required', 'new: b required']],
    ['a field becomes optional', { a: text }, { a: optional(text) }, ['old: a required', 'old: a null']],
    ['a field becomes required', { a: optional(text) }, { a: text }, ['new: a required', 'new: a null']],
    ['another type', { a: text }, { a: [IsInt()] }, ['old: a type', 'new: a type']],
    ['a wider type', { a: [IsInt()] }, { a: [IsNumber()] }, ['old: a type']],
    ['no type any more', { a: text }, { a: [IsNotEmpty()] }, ['old: a type', 'new: a minLength']],
    ['a value is added', { a: [IsIn(['x'])] }, { a: [IsIn(['x', 'y'])] }, ['old: a enum']],
    ['a value is removed', { a: [IsIn(['x', 'y'])] }, { a: [IsIn(['x'])] }, ['new: a enum']],
    ['values instead of text', { a: [Length(1, 3)] }, { a: [IsIn(['x', 'yy'])] }, ['new: a enum']],
    ['values that are too long', { a: [Length(1, 1)] }, { a: [IsIn(['yy'])] }, ['old: a maxLength', 'new: a enum']],
    ['a longer text', { a: [MaxLength(5)] }, { a: [MaxLength(9)] }, ['old: a maxLength']],
    ['a shorter text', { a: [MaxLength(9)] }, { a: [MaxLength(5)] }, ['new: a maxLength']],
    ['a lower bound', { a: [IsInt(), Min(0)] }, { a: [IsInt(), Min(1)] }, ['new: a minimum']],
    ['a bound is gone', { a: [IsInt(), Max(9)] }, { a: [IsInt()] }, ['old: a maximum']],
    ['another pattern', { a: [Matches(/^a/)] }, { a: [Matches(/^b/)] }, ['old: a pattern', 'new: a pattern']],
    ['a rule of text', { a: text }, { a: [IsUUID('4')] }, ['new: a isUuid "4"']],
    ['a rule of its own', { a: [custom('iban')] }, { a: [custom('iban'), custom('open')] }, ['new: a open']],
    [
      'a rule for some',
      { a: text },
      { a: [ValidateIf(() => true), IsString()] },
      ['old: a required', 'old: a null', 'old: a type', 'new: a sometimes isString'],
    ],
    ['more items', { a: [IsArray(), ArrayMaxSize(2)] }, { a: [IsArray(), ArrayMaxSize(3)] }, ['old: a maxItems']],
    [
      'items of another type',
      { a: [IsArray(), IsString({ each: true })] },
      { a: [IsArray(), IsInt({ each: true })] },
      ['old: a[] type', 'new: a[] type'],
    ],
    [
      'a rule of a field within',
      { a: nested(Item) },
      { a: nested(StrictItem) },
      ['new: a.sku minLength', 'new: a.sku maxLength'],
    ],
    [
      'a rule of a field of items',
      { a: listOf(StrictItem) },
      { a: listOf(Item) },
      ['old: a[].sku minLength', 'old: a[].sku maxLength'],
    ],
    ['a class that contains itself', { a: nested(Node) }, { a: nested(Node) }, []],
    [
      'an enum that grows',
      { a: [IsEnum({ Red: 'red' })] },
      { a: [IsEnum({ Red: 'red', Blue: 'blue' })] },
      ['old: a enum'],
    ],
    [
      'a rule of what is made of it',
      { a: text },
      { a: [IsString(), Transform(({ value }) => String(value))] },
      ['old: a type', 'new: a converted isString'],
    ],
    ['a date, as text is', { a: [IsDate(), Type(() => Date)] }, { a: text }, []],
  ])('%s', (_, before, now, expected) => {
    expect(changes(before, now)).toEqual(expected);
  });

  it('compares nested classes by what is in them, whatever their names', () => {
    const twoOfOneName = (sku: PayloadClass): Fields => {
      const other = contract({ sku: [IsInt()] });
      Object.defineProperty(other, 'name', { value: sku.name });
      return { a: nested(sku), b: nested(other) };
    };
    const [before, now] = [twoOfOneName(Item), twoOfOneName(StrictItem)];
    expect(changes(before, { ...before })).toEqual([]);
    expect(changes(before, now)).toEqual(['new: a.sku minLength', 'new: a.sku maxLength']);
  });

  it('a contract that is gone, and one that is new', () => {
    const [one, two] = [contract({}, { type: 'one' }), contract({}, { type: 'two' })];
    expect(broken([one], [one, two])).toEqual([]);
    expect(broken([one, two], [one])).toMatchObject([{ contract: 'two@1', receivers: 'new', rule: 'version' }]);
  });

  it('is no break as a new version with an upcaster', () => {
    const upcast = { 1: (old: object) => ({ ...old, b: 1 }), 2: (old: object) => old };
    const one = contract({ a: text });
    const two = contract({ a: text, b: [IsInt()] }, { version: 2, upcast: { 1: upcast[1] } });
    const three = contract({}, { version: 3, upcast });
    expect(broken([one], [two])).toEqual([]);
    expect(broken([one], [one, contract({}, { version: 2 })])).toEqual([]);
    expect(broken([two], [three])).toEqual([]);
  });

  it('is a break when a version that was taken has no receiver any more', () => {
    const upcast = { 1: (old: object) => old };
    const two = contract({}, { version: 2, upcast });
    const version = (problem: string) => ({ contract: 'quote@2', receivers: 'new', rule: 'version', problem });
    expect(broken([two], [contract({}, { version: 2 })])).toMatchObject([version('of version 1 is no longer taken')]);
    expect(broken([two], [contract({}, { version: 1 })])).toMatchObject([version('of version 2 is no longer taken')]);
    expect(broken([two], []).map(changeText)[0]).toBe(
      'quote@2: payload of version 1 is no longer taken. Keep the class, or take that version with `upcast`',
    );
  });

  it.each([
    [true, 'new', 'is sensitive now', 'of before'],
    [false, 'old', 'is no longer sensitive', 'of now'],
  ])('of what is sealed (now: %s) breaks receivers, whatever its fields', (sensitive, receivers, problem, senders) => {
    const [before, now] = [contract({ a: text }, { sensitive: !sensitive }), contract({ a: text }, { sensitive })];
    const found = broken([before], [now]);
    expect(found).toEqual([{ contract: 'quote@1', receivers, field: 'payload', rule: 'sensitive', problem }]);
    expect(found.map(changeText)[0]).toContain(
      `in clear from instances ${senders}. Run both with SEALING=accept-clear`,
    );
    expect(broken([now], [now])).toEqual([]);
  });

  it('says contract, field, rule, which receivers break, and what to do', () => {
    const [change] = broken([contract({ a: text })], [contract({ a: text, b: text })]);
    expect(change).toEqual({
      contract: 'quote@1',
      receivers: 'new',
      field: 'b',
      rule: 'required',
      problem: 'may be missing',
    });
    expect(change && changeText(change)).toBe(
      'quote@1: b may be missing in messages of before. Do not ask for it, or declare quote@2 with `upcast`',
    );
  });
});

describe('what is not reported', () => {
  class Whole {
    @IsInt()
    sku!: number;
  }
  const flag = fc.boolean();
  const some = (rule: PropertyDecorator) => flag.map((given) => (given ? [rule] : []));
  const choice = (...rules: PropertyDecorator[]) => fc.constantFrom([], ...rules.map((rule) => [rule]));
  const join = (...parts: fc.Arbitrary<readonly PropertyDecorator[]>[]) =>
    fc.tuple(...parts).map((each) => each.flat());
  const always = (...rules: PropertyDecorator[]) => fc.constant(rules);
  const plainKinds = [
    join(always(IsString()), choice(Length(0, 2), Length(1, 3), Length(2, 3)), some(IsNotEmpty())),
    join(choice(IsInt(), IsNumber()), choice(Min(0), Min(1)), choice(Max(2), Max(3))),
    join(choice(IsIn(['a']), IsIn(['a', 'bc']), IsIn(['a', 1]))),
    join(always(IsBoolean())),
    join(
      always(IsArray()),
      some(IsString({ each: true })),
      choice(ArrayMinSize(1)),
      choice(ArrayMaxSize(1), ArrayMaxSize(2)),
    ),
    fc.constantFrom<readonly PropertyDecorator[]>(...[Item, StrictItem, Whole].map(nested)),
    fc.constantFrom<readonly PropertyDecorator[]>(...[Item, StrictItem, Whole].map(listOf)),
  ];
  const kinds = [...plainKinds, join(always(IsString()), choice(Matches(/^a/), Matches(/c$/)), some(IsUUID()))];
  const field = (of: typeof kinds) =>
    fc.tuple(flag, fc.oneof(...of)).map(([open, rules]) => (open ? optional(rules) : rules));
  const values: readonly unknown[] = [
    ...['', 'a', 'b', 'bc', 'abc', 'abcd', 'x'.repeat(11), '6f8a7f0e-9d3c-4b6e-8f7e-0a1b2c3d4e5f'],
    ...[-1, 0, 0.5, 1, 1.5, 2, 3, 4, true, null, undefined],
    ...['a', 1, true, { sku: 'a' }, { sku: 1 }, { sku: '' }].flatMap((item) => [
      [],
      [item],
      [item, item],
      [item, item, item],
    ]),
    ...[{}, { sku: 'a' }, { sku: '' }, { sku: 'x'.repeat(11) }, { sku: 1 }, { sku: 1.5 }, { sku: 'a', more: 1 }],
  ];

  const isTaken = (payload: PayloadClass, value: unknown, read: typeof readPayload): boolean => {
    try {
      read(contractOf(payload), JSON.parse(JSON.stringify({ a: value })));
      return true;
    } catch {
      return false;
    }
  };
  const refused = (sender: PayloadClass, receiver: PayloadClass) =>
    values.filter((value) => isTaken(sender, value, validatePayload) && !isTaken(receiver, value, readPayload));
  const reported = (sender: PayloadClass, receiver: PayloadClass) =>
    broken([receiver], [sender]).filter(({ receivers }) => receivers === 'old');

  it('is taken by its receiver', () => {
    fc.assert(
      fc.property(field(kinds), field(kinds), (a, b) => {
        const [sender, receiver] = [contract({ a }), contract({ a: b })];
        if (reported(sender, receiver).length === 0) expect(refused(sender, receiver)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('is all that is taken', () => {
    fc.assert(
      fc.property(field(plainKinds), field(plainKinds), (a, b) => {
        const [sender, receiver] = [contract({ a }), contract({ a: b })];
        if (refused(sender, receiver).length === 0) expect(reported(sender, receiver)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
