import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsArray, IsInt, IsString, Min, ValidateNested } from 'class-validator';
import { ContractCatalogue } from '../contract/catalogue.js';
import { Contract, contractOf } from '../contract/contract.js';
import { ContractViolationError, DuplicateContractError, NotAContractError } from '../errors.js';
import { validatePayload } from './validation.js';

class Item {
  @IsString()
  sku!: string;

  @IsInt()
  @Min(1)
  quantity!: number;
}

@Contract({ type: 'order', version: 2 })
class Order {
  @IsString()
  customer!: string;

  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => Item)
  items!: Item[];
}

const order = contractOf(Order);

function violationOf(plain: unknown): ContractViolationError {
  try {
    validatePayload(order, plain);
  } catch (error) {
    if (error instanceof ContractViolationError) return error;
  }
  throw new Error('the payload was accepted');
}

describe('a contract', () => {
  it('gives instances of its class', () => {
    const valid = validatePayload(order, { customer: 'c', items: [{ sku: 's', quantity: 1 }] });
    expect(valid).toBeInstanceOf(Order);
    expect(valid.items[0]).toBeInstanceOf(Item);
  });

  it('names contract, field and rule of every violation', () => {
    const error = violationOf({ customer: 7, items: [{ sku: 's', quantity: 0 }] });
    expect(error.contract).toBe('order@2');
    expect(error.violations.map(({ field, rule }) => [field, rule])).toEqual([
      ['customer', 'isString'],
      ['items.0.quantity', 'min'],
    ]);
    expect(error.retryable).toBe(false);
  });

  it('refuses a property that it does not know', () => {
    const error = violationOf({ customer: 'c', items: [], custommer: 'd' });
    expect(error.violations).toMatchObject([{ field: 'custommer', rule: 'whitelistValidation' }]);
  });

  it('that is sensitive names no property that it does not know: that may be a value', () => {
    const sensitive = { ...order, sensitive: true };
    const problemOf = (plain: unknown): unknown => {
      try {
        return validatePayload(sensitive, plain);
      } catch (error) {
        return error;
      }
    };
    for (const value of ['ill', 1n]) {
      const error = problemOf({ customer: 'c', items: [], 'Ann Smith': value });
      expect(error).toMatchObject({ violations: [{ field: 'payload' }] });
      expect(String(error)).not.toContain('Ann');
    }
  });

  it.each([null, 'text', 7, [[]], undefined])('refuses %j for an object', (plain) => {
    expect(violationOf(plain).violations[0]?.field).toBe('payload');
  });
});

describe('the catalogue', () => {
  it('finds by type and version', () => {
    const catalogue = new ContractCatalogue([Order]);
    expect(catalogue.find('order', 2)?.payload).toBe(Order);
    expect(catalogue.find('order', 1)).toBeUndefined();
  });

  it('refuses two classes for one type and version, and a class that is no contract', () => {
    @Contract({ type: 'order', version: 2 })
    class Other {}
    expect(() => new ContractCatalogue([Order, Other])).toThrow(DuplicateContractError);
    expect(() => new ContractCatalogue([Item])).toThrow(NotAContractError);
  });
});
