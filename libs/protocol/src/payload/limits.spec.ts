import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsArray, IsInt, IsObject, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import fc from 'fast-check';
import { Contract, contractOf } from '../contract/contract.js';
import { ContractViolationError, InvalidMessageError } from '../errors.js';
import { toWireError } from '../wire/wire-error.js';
import { readPayload, validatePayload, writePayload } from './validation.js';
import { decodeBody } from './decode.js';
import { MAX_DEPTH, MAX_PARTS, MAX_VIOLATIONS } from './limits.js';

class Item {
  @IsString()
  sku!: string;

  @IsInt()
  count!: number;
}

@Contract({ type: 'free' })
class Free {
  @IsOptional()
  @IsString()
  @Matches(/^a*$/)
  name?: string;

  @IsOptional()
  @IsObject()
  map?: object;

  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => Item)
  items?: Item[];
}

const free = contractOf(Free);
const keys = (count: number, value = '1') =>
  `{${Array.from({ length: count }, (_, i) => `"key number ${i}":${value}`).join(',')}}`;
const read = (json: string): Free => readPayload(free, decodeBody(Buffer.from(json)));

/** The quickest of some runs: other processes use the machine too. */
const shortest = (work: () => unknown): number =>
  Math.min(
    ...Array.from({ length: 2 }, () => {
      const start = performance.now();
      work();
      return performance.now() - start;
    }),
  );
function errorOf(work: () => unknown): ContractViolationError {
  try {
    work();
  } catch (error) {
    if (error instanceof ContractViolationError) return error;
    throw error;
  }
  throw new Error('the payload was accepted');
}

describe('a payload of 100,000 keys', () => {
  const many = keys(100_000);
  const parsed = shortest(() => JSON.parse(many));

  it.each<[string, () => unknown]>([
    ['that are not known is read', () => read(many)],
    ['that are not known is refused to its sender', () => errorOf(() => validatePayload(free, JSON.parse(many)))],
    ['that are free is read', () => read(`{"map":${many}}`)],
    ['that are free is sent', () => writePayload(free, { map: JSON.parse(many) as object })],
    [
      'in items that are all wrong is refused',
      () =>
        errorOf(() => read(`{"items":[${Array.from({ length: 50_000 }, () => '{"sku":1,"count":"x"}').join(',')}]}`)),
    ],
    [
      'in items that are no objects is refused',
      () => errorOf(() => read(`{"items":[${Array.from({ length: 100_000 }, () => '1').join(',')}]}`)),
    ],
  ])('%s in about the time that parsing it takes', (_, work) => {
    // parsing it takes some 50 ms on an idle machine; class-transformer needs 10 s
    expect(shortest(work)).toBeLessThan(parsed * 8 + 50);
  });
});

describe('what is wrong with a payload', () => {
  it('is told of the first problems alone, each in bounds', () => {
    const long = 'x'.repeat(1_000_000);
    const error = errorOf(() =>
      validatePayload(free, { name: long, [long]: 1, ...(JSON.parse(keys(1_000)) as object) }),
    );
    expect(error.violations).toHaveLength(MAX_VIOLATIONS);
    expect(error.message.length).toBeLessThan(20_000);
    expect(JSON.stringify(toWireError(error)).length).toBeLessThan(20_000);
    expect(errorOf(() => readPayload(free, { name: long })).message.length).toBeLessThan(1_000);
  });
});

describe('a body', () => {
  const nested = (depth: number): string => `${'{"map":'.repeat(depth)}{}${'}'.repeat(depth)}`;

  it('may be nested so deep, and no deeper, wherever it comes from', () => {
    const deepest = nested(MAX_DEPTH - 1);
    expect(writePayload(free, read(deepest))).toBe(deepest);
    expect(() => read(nested(MAX_DEPTH))).toThrow(InvalidMessageError);
    expect(() => validatePayload(free, JSON.parse(nested(MAX_DEPTH)))).toThrow(/nested more than/);
    expect(() => decodeBody(Buffer.from('['.repeat(5_000_000)))).toThrow(/nested more than/);
  });

  it('may have so many keys, objects and arrays, and no more, wherever it comes from', () => {
    const items = (count: number): string => `{"map":{"list":[${'[],'.repeat(count - 1)}[]]}}`;
    const most = items(MAX_PARTS - 5);
    expect(writePayload(free, read(most))).toBe(most);
    expect(() => read(items(MAX_PARTS - 4))).toThrow(/^body: has more than/);
    expect(() => validatePayload(free, JSON.parse(items(MAX_PARTS - 4)))).toThrow(/has more than/);
    expect(() => decodeBody(Buffer.from('"":'.repeat(MAX_PARTS + 1)))).toThrow(/^body: has more than/);
  });

  it('is what JSON.parse makes of it, whatever its strings hold', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('"', '\\', '{['.repeat(400), '\\"'.repeat(100), 'ä€😀'.repeat(50)),
    );
    const long = fc.array(text, { maxLength: 20 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(fc.dictionary(long, long, { noNullPrototype: true }), { maxLength: 5 }), (value) => {
        const json = JSON.stringify(value.map(({ __proto__: _, ...rest }) => rest));
        expect(decodeBody(Buffer.from(json))).toEqual(JSON.parse(json));
      }),
    );
  });
});
