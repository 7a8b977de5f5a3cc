import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import {
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { Contract, contractOf, type PayloadClass } from '../contract/contract.js';
import { ContractViolationError } from '../errors.js';
import { validatePayload } from '../payload/validation.js';
import { describePayload } from './describe.js';
import { PayloadSchema } from './payload-schema.js';

class Leg {
  @IsString()
  @IsNotEmpty()
  from!: string;

  @IsInt()
  @Min(1)
  km!: number;
}

@Contract({ type: 'trip' })
class Trip {
  @IsIn(['road', 'rail'])
  by!: string;

  @IsArray()
  @ArrayMinSize(1)
  @ValidateNested({ each: true })
  @Type(() => Leg)
  legs!: Leg[];

  @IsOptional()
  @IsInt()
  @Max(9)
  seats?: number;

  @IsOptional()
  @IsString({ each: true })
  @ArrayUnique()
  tags?: string[];

  // no expression for Unicode mode
  @IsOptional()
  @Matches(new RegExp(String.raw`^[a-z\-]+$`))
  code?: string;

  @IsOptional()
  @IsObject()
  notes?: object;

  @IsOptional()
  @IsUUID()
  order?: string;
}

@Contract({ type: 'secret', sensitive: true })
class Secret {
  @IsString()
  name!: string;
}

const schemaOf = (payload: PayloadClass): Promise<PayloadSchema> => {
  const { type, version, sensitive } = contractOf(payload);
  return PayloadSchema.of({ type, version, sensitive, schema: describePayload(payload) });
};
const violationsOf = (work: () => unknown): ContractViolationError['violations'] => {
  try {
    work();
    return [];
  } catch (error) {
    if (error instanceof ContractViolationError) return error.violations;
    throw error;
  }
};

const trip = { by: 'rail', legs: [{ from: 'Bern', km: 3 }] };

describe('a payload is taken by the schema of its contract as by its class', () => {
  it.each<[string, unknown]>([
    ['with all that it has', { ...trip, seats: 2, tags: ['a', 'b'], code: 'a-b', notes: { any: [1] } }],
    ['with null for what is optional', { ...trip, seats: null, tags: null }],
    ['without what it has to have', {}],
    ['of other types', { by: 1, legs: 'none', seats: '2', tags: [1], code: 2, notes: [] }],
    ['out of bounds', { by: 'air', legs: [], seats: 10, tags: ['a', 'a'], code: 'A' }],
    ['with wrong items', { ...trip, legs: [trip.legs[0], { from: '', km: 0.5 }, 7] }],
    ['with fields that there are not', { ...trip, colour: 1, legs: [{ from: 'Bern', km: 3, to: 'Thun' }] }],
    ['with a field named as what objects have', { ...trip, constructor: 1 }],
    ['that is no object', [trip]],
    ['that has no form in JSON', { ...trip, seats: Number.NaN }],
  ])('%s', async (_, payload) => {
    const schema = await schemaOf(Trip);
    // of a rule for each item a class names the list
    const fields = (violations: ContractViolationError['violations']) =>
      [...new Set(violations.map(({ field }) => field.replace(/^tags\.0$/, 'tags')))].sort();
    const found = violationsOf(() => schema.write(payload));
    expect(fields(found)).toEqual(fields(violationsOf(() => validatePayload(contractOf(Trip), payload))));
    for (const { field, message } of found) expect(message).toContain(field.split('.').at(-1));
    if (found.length === 0) expect(JSON.parse(schema.write(payload))).toEqual(payload);
  });
});

it('a rule that JSON Schema has no word for is left to the receiver', async () => {
  expect(JSON.parse((await schemaOf(Trip)).write({ ...trip, order: 'no uuid' }))).toMatchObject({ order: 'no uuid' });
});

it('of a sensitive contract it is not told what the payload has', async () => {
  const schema = await schemaOf(Secret);
  expect(violationsOf(() => schema.write({ name: 7, 'Jane Doe': 1 }))).toEqual([
    { field: 'payload', rule: 'whitelistValidation', message: 'breaks a rule of a sensitive contract' },
    { field: 'name', rule: 'type', message: 'breaks a rule of a sensitive contract' },
  ]);
});

it('100,000 fields that there are not are refused in little time, with few words', async () => {
  const schema = await schemaOf(Trip);
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`key ${i}`, 1]));
  const begun = performance.now();
  expect(violationsOf(() => schema.write({ ...trip, ...many }))).toHaveLength(20);
  // 10 s for a validator that is quadratic in them
  expect(performance.now() - begun).toBeLessThan(3_000);
});
