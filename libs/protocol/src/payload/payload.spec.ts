import { describe, expect, it } from '@jest/globals';
import { Expose, plainToInstance, Transform, Type, type TypeHelpOptions } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsDate,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
  validateSync,
  type ValidationError,
} from 'class-validator';
import fc from 'fast-check';
import { Contract, contractOf } from '../contract/contract.js';
import { ContractViolationError, type Violation } from '../errors.js';
import { readPayload, validatePayload, writePayload } from './validation.js';
import { decodeBody } from './decode.js';
import { MAX_VIOLATIONS } from './limits.js';

class Pet {
  @IsString()
  name!: string;
}
class Cat extends Pet {
  @IsInt()
  lives!: number;
}
class Dog extends Pet {
  @IsBoolean()
  barks!: boolean;
}

class Line {
  @IsString()
  @Length(1, 5)
  sku!: string;

  @IsOptional()
  @IsInt({ message: '$property of $target is $value, not whole' })
  @Min(1)
  quantity?: number;

  @IsOptional()
  @ValidateNested({ each: true })
  @Type(() => Line)
  parts?: Line[];
}

@Contract({ type: 'order' })
class Order {
  @IsString()
  @Matches(/^[a-z ]*$/, { message: ({ value }) => `no ${JSON.stringify(value)}` })
  customer!: string;

  @IsNumber()
  @Max(1e9)
  @Transform(({ value }: { value: number }) => value * 100)
  price!: number;

  @IsOptional()
  @IsBoolean()
  @Transform(({ value }) => value === 'true')
  urgent?: boolean;

  @IsOptional()
  @IsDate()
  @Type(() => Date)
  due?: Date;

  @ValidateIf(({ urgent }: Order) => urgent === true)
  @IsIn(['post', 'bike'])
  by?: string;

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(3)
  @IsString({ each: true })
  notes?: string[];

  @IsOptional()
  @IsObject()
  more?: Record<string, unknown>;

  @ValidateNested()
  @Type(() => Line)
  line!: Line;

  @IsOptional()
  @ValidateNested({ each: true })
  @Type(() => Pet, {
    discriminator: {
      property: 'kind',
      subTypes: [
        { name: 'cat', value: Cat },
        { name: 'dog', value: Dog },
      ],
    },
  })
  pets?: Pet[];

  @Expose()
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => value ?? 'shop')
  @IsString()
  from?: string;
}

class Bird extends Pet {
  @IsIn(['bird'])
  kind!: 'bird';
}

/** What is rarer. */
@Contract({ type: 'odd' })
class Odd {
  @IsInt()
  at!: number;

  /** No payload has it: it is made of `at`, and checked on both sides. */
  @IsDate()
  get due(): Date {
    return new Date(this.at);
  }

  @IsOptional()
  @ValidateNested()
  @Type(() => Pet, {
    keepDiscriminatorProperty: true,
    discriminator: { property: 'kind', subTypes: [{ name: 'bird', value: Bird }] },
  })
  bird?: Pet;

  /** Made, and not looked into. */
  @IsOptional()
  @Type(() => Line)
  loose?: Line;

  @IsOptional()
  @IsInt({ each: true })
  @Type(() => Number)
  numbers?: number[];

  @IsOptional()
  @Type(({ object }: TypeHelpOptions = {} as TypeHelpOptions) => ((object as Odd).at > 0 ? Cat : Dog))
  @ValidateNested()
  byValue?: Pet;
}

const order = contractOf(Order);
const good = { customer: 'ada', price: 5, line: { sku: 'tea' } };

const violationsOf = (work: () => unknown): readonly Violation[] => {
  try {
    work();
    return [];
  } catch (error) {
    if (error instanceof ContractViolationError) return error.violations;
    throw error;
  }
};

/** What both libraries make of a value by themselves. */
function reference<P extends object>(
  type: new () => P,
  plain: object,
  strict: boolean,
): { instance?: P; broken: string[] } {
  let instance: P;
  try {
    // it takes the discriminator out of what it is given
    instance = plainToInstance(type, JSON.parse(JSON.stringify(plain)) as object);
  } catch {
    return { broken: ['unreadable'] };
  }
  const errors = validateSync(instance, { whitelist: true, forbidNonWhitelisted: strict, forbidUnknownValues: false });
  const flat = (found: ValidationError[], path: string): string[] =>
    found.flatMap(({ property, constraints = {}, children = [] }) => [
      ...Object.entries(constraints).map(([rule, message]) => `${path}${property} ${rule} ${message}`),
      ...flat(children, `${path}${property}.`),
    ]);
  const broken = flat(errors, '');
  return broken.length > 0 ? { broken } : { instance, broken };
}

const word = fc.constantFrom(
  '',
  'a',
  'ada',
  'A',
  'true',
  'false',
  'cat',
  'post',
  '2026-01-02T03:04:05.678Z',
  'too long',
);
const scalar = fc.oneof(
  word,
  fc.integer({ min: -2, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const small: fc.ObjectConstraints = { maxKeys: 3, depthSize: 'small', key: word, values: [scalar] };
const anything = fc.oneof(scalar, fc.object({ ...small, withObjectString: false }), fc.array(scalar, { maxLength: 3 }));
const maybe = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: anything });
const lineLike = fc.letrec((tie) => ({
  line: fc.record(
    {
      sku: maybe(fc.constantFrom('a', 'tea', '')),
      quantity: maybe(fc.integer({ min: 0, max: 3 })),
      parts: fc.oneof({ maxDepth: 2 }, fc.constant([]), fc.array(maybe(tie('line')), { maxLength: 2 })),
      extra: anything,
    },
    { requiredKeys: [] },
  ),
})).line;
const petLike = fc.record(
  {
    kind: maybe(fc.constantFrom('cat', 'dog')),
    name: maybe(word),
    lives: maybe(fc.integer()),
    barks: maybe(fc.boolean()),
  },
  { requiredKeys: [] },
);
const orderLike = fc.record(
  {
    customer: maybe(word),
    price: maybe(fc.integer()),
    urgent: maybe(fc.constantFrom('true', true)),
    due: maybe(fc.constantFrom('2026-01-02T03:04:05.678Z', 'never')),
    by: maybe(fc.constantFrom('post', 'bike')),
    notes: maybe(fc.array(word, { maxLength: 4 })),
    more: maybe(fc.object(small)),
    line: maybe(lineLike),
    pets: maybe(fc.array(petLike, { maxLength: 2 })),
    from: maybe(word),
    gift: anything,
  },
  { requiredKeys: [] },
);

describe('a payload', () => {
  it.each([true, false])('is read as class-transformer and class-validator read it (strict: %s)', (strict) => {
    fc.assert(
      fc.property(orderLike, (plain) => {
        const expected = reference(Order, plain, strict);
        fc.pre(expected.broken.length < MAX_VIOLATIONS && !expected.broken.includes('unreadable'));
        let instance: Order | undefined;
        const violations = violationsOf(() => {
          instance = strict ? validatePayload(order, plain) : readPayload(order, plain);
        });
        const broken = violations.map(({ field, rule, message }) => `${field} ${rule} ${message}`);
        expect(broken.sort()).toEqual(expected.broken.sort());
        expect(instance).toEqual(expected.instance);
      }),
      { numRuns: 200 },
    );
  });

  it.each<object>([
    { at: 5 },
    { at: 'x', due: 7 },
    { at: 5, bird: { kind: 'bird', name: 'a' } },
    { at: 5, bird: { kind: 'worm', name: 'a' } },
    { at: 5, bird: [{ kind: 'bird' }] },
    { at: 5, loose: { sku: 7, other: { deep: [1] }, parts: [{ x: 1 }] } },
    { at: 5, numbers: ['1', 2, [3], null] },
    { at: 5, byValue: { name: 'a', lives: 9, more: 1 } },
    { at: -5, byValue: { name: 'a', barks: 9 } },
  ])('%j is read as both libraries read it', (plain) => {
    for (const strict of [true, false]) {
      const expected = reference(Odd, plain, strict);
      let instance: Odd | undefined;
      const violations = violationsOf(() => {
        instance = (strict ? validatePayload : readPayload)(contractOf(Odd), plain);
      });
      expect(violations.map(({ field }) => field).sort()).toEqual(
        expected.broken.map((each) => each.split(' ')[0] ?? '').sort(),
      );
      expect(instance).toEqual(expected.instance);
    }
  });

  it('that a sender may send is taken by its receiver, as what was given', () => {
    fc.assert(
      fc.property(orderLike, (plain) => {
        let json: string;
        try {
          json = writePayload(order, plain as never);
        } catch (error) {
          expect(error).toBeInstanceOf(ContractViolationError);
          return;
        }
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(plain)));
        expect(readPayload(order, decodeBody(Buffer.from(json)))).toEqual(validatePayload(order, plain));
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['a transform', { ...good, price: 5 }, { price: 500 }],
    ['a transform of text', { ...good, urgent: 'true' as never, by: 'bike' }, { urgent: true }],
    ['a Date', { ...good, due: new Date(5_000) }, { due: new Date(5_000) }],
    [
      'an object with toJSON',
      { ...good, more: { at: new URL('http://a/b'), x: [new Date(0)] } },
      { more: { at: 'http://a/b', x: ['1970-01-01T00:00:00.000Z'] } },
    ],
    ['an undefined field', { ...good, by: undefined, gift: undefined }, {}],
    ['an instance of its class', Object.assign(new Order(), good), {}],
  ])('with %s is transformed once, by the receiver', (_, given, received) => {
    expect(readPayload(order, decodeBody(Buffer.from(writePayload(order, given))))).toMatchObject(received);
  });

  it.each<[string, unknown, string]>([
    ['NaN', { ratio: NaN }, 'more.ratio is NaN'],
    ['Infinity', { list: [1, Infinity] }, 'more.list.1 is Infinity'],
    ['an undefined item', { list: [undefined] }, 'more.list.0 is a undefined'],
    ['a hole', { list: [, 1] }, 'more.list.0 is a undefined'], // oxlint-disable-line no-sparse-arrays
    ['a bigint', { id: 10n }, 'more.id is a bigint'],
    ['a function', { run: () => 1 }, 'more.run is a function'],
    ['a Map', { map: new Map() }, 'more.map is a Map'],
    ['a Set', { set: new Set() }, 'more.set is a Set'],
    ['a Buffer', { bytes: Buffer.from('x') }, 'more.bytes is a Buffer'],
    ['a typed array', { bytes: new Float32Array(1) }, 'more.bytes is a Float32Array'],
    ['an invalid Date', { at: new Date(NaN) }, 'more.at is an invalid Date'],
    ['an Error', { error: new Error('x') }, 'more.error is an Error'],
    ['a Promise', { later: Promise.resolve(1) }, 'more.later is a Promise'],
    ['a key __proto__', JSON.parse('{"a":{"__proto__":1}}'), 'more.a.__proto__ is no name for a field'],
  ])('with %s is refused to its sender, with the path', (_, more, problem) => {
    expect(() => writePayload(order, { ...good, more: more as never })).toThrow(problem);
  });

  it('that contains itself is refused, and one with a toJSON that throws', () => {
    const loop: Record<string, unknown> = {};
    loop['loop'] = loop;
    expect(() => writePayload(order, { ...good, more: loop })).toThrow(/nested more than 200 deep, or contains itself/);
    const broken = { toJSON: () => { throw new Error('not today'); } }; // prettier-ignore
    expect(() => writePayload(order, { ...good, more: broken })).toThrow(/payload can't be read: Error: not today/);
  });

  it('that a rule or a transform does not expect is a violation that names the field', () => {
    @Contract({ type: 'fragile' })
    class Fragile {
      @IsString()
      @Transform(({ value }: { value: string }) => value.trim())
      name!: string;
    }
    expect(violationsOf(() => readPayload(contractOf(Fragile), { name: 7 }))).toEqual([
      { field: 'name', rule: 'isReadable', message: expect.stringContaining('value.trim is not a function') },
    ]);
  });

  it('with names of what every object has is read like any other', () => {
    const plain = { at: 5, constructor: 1, toString: 2 };
    expect(Object.keys(readPayload(contractOf(Odd), plain))).not.toContain('constructor');
    const fields = violationsOf(() => validatePayload(contractOf(Odd), plain)).map(({ field }) => field);
    expect(fields).toEqual(['constructor', 'toString']);
  });

  it('keeps keys __proto__ away from a handler, however they are written', () => {
    const body =
      '{"customer":"a","price":1,"line":{"sku":"a"},"more":{"__proto__":{"x":1},"a":[{"\\u005f_proto__":1}]}}';
    const { more } = readPayload(order, decodeBody(Buffer.from(body)));
    expect(JSON.stringify(more)).toBe('{"a":[{}]}');
  });
});
