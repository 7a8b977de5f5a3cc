import { describe, expect, it } from '@jest/globals';
import { IsInt, IsOptional, IsString } from 'class-validator';
import { InvalidMessageError } from '../errors.js';
import { Contract, contractOf } from './contract.js';
import { keysOf } from './keys.js';

class Base {
  @IsInt()
  order!: number;

  @IsOptional()
  state?: 'open' | 1 | true;

  @IsOptional()
  lines?: string[];

  @IsString()
  customer!: string;
}

@Contract({ type: 'order', keys: ['order', 'state', 'customer'] })
class Order extends Base {}

describe('the keys of a contract', () => {
  it.each([
    [
      { order: 4711, state: true, customer: 'Ada', lines: ['a'] },
      { order: '4711', state: 'true', customer: 'Ada' },
    ],
    [
      { order: 0, customer: 'x'.repeat(200) },
      { order: '0', customer: 'x'.repeat(200) },
    ],
    [{ order: { id: 1 }, state: null, customer: 'x'.repeat(201) }, undefined],
    [{ customer: '' }, undefined],
    [null, undefined],
    [[1], undefined],
  ])('of %j are %j', (payload, keys) => {
    expect(keysOf(contractOf(Order), payload)).toEqual(keys);
  });

  it.each([
    ['a sensitive contract', { keys: ['order'], sensitive: true }],
    ['no field', { keys: ['unknown'] }],
    ['a list', { keys: ['lines'] }],
    ['a field twice', { keys: ['order', 'order'] }],
  ])('are refused at the declaration: %s', (_, options) => {
    expect(() => Contract({ type: 'order', ...options })(class extends Base {})).toThrow(InvalidMessageError);
  });
});
