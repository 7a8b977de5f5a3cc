import { describe, expect, it } from '@jest/globals';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import {
  Allow,
  IsDate,
  IsInstance,
  IsISO8601,
  IsNotEmpty,
  IsOptional,
  IsString,
  MinDate,
  registerDecorator,
  Validate,
  ValidateNested,
  ValidatePromise,
  ValidatorConstraint,
  type ValidatorConstraintInterface,
} from 'class-validator';
import { Contract, contractOf } from '../contract/contract.js';
import { ContractDeclarationError } from '../errors.js';
import { readPayload, writePayload } from './validation.js';

class Inner {
  @IsString()
  name!: string;
}
class Undated {
  @IsDate()
  at!: Date;
}

@ValidatorConstraint({ async: true })
class Told implements ValidatorConstraintInterface {
  validate(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
@ValidatorConstraint()
class Untold implements ValidatorConstraintInterface {
  async validate(): Promise<boolean> {
    return false;
  }
}
const rule =
  (validate: () => boolean | Promise<boolean>, async?: boolean): PropertyDecorator =>
  (target, property) =>
    registerDecorator({
      name: 'custom',
      target: target.constructor,
      propertyName: String(property),
      validator: { validate },
      ...(async === undefined ? {} : { async }),
    });
/** What the compiler emits for a property of that type. */
const typed = (type: unknown): PropertyDecorator => Reflect.metadata('design:type', type);

function declared(...decorators: PropertyDecorator[]): new () => { value: unknown } {
  class Declared {
    value!: unknown;
  }
  for (const decorate of [Allow(), ...decorators]) decorate(Declared.prototype, 'value');
  Contract({ type: 'declared' })(Declared);
  return Declared;
}

describe('a contract whose property can not work over JSON is refused when it is declared, with the name', () => {
  it.each<[string, PropertyDecorator[], RegExp]>([
    ['an asynchronous rule', [Validate(Told)], /asynchronous rule/],
    ['an asynchronous rule that was not told to be one', [Validate(Untold)], /asynchronous rule/],
    ['an asynchronous rule of registerDecorator', [rule(() => Promise.resolve(true), true)], /asynchronous rule/],
    ['ValidatePromise', [ValidatePromise()], /asynchronous rule/],
    ['IsDate without Type', [IsDate()], /needs @Type\(\(\) => Date\)/],
    ['MinDate without Type', [MinDate(new Date(0))], /needs @Type/],
    ['a Date that is checked as text', [IsISO8601(), typed(Date)], /needs @Type/],
    ['IsInstance without Type', [IsInstance(Inner)], /needs @Type/],
    ['ValidateNested without Type', [ValidateNested()], /needs|without @Type/],
    ['Expose with a name', [Expose({ name: 'other' })], /@Expose with name/],
    ['Expose with groups', [Expose({ groups: ['a'] })], /@Expose with groups/],
    ['Exclude', [Exclude()], /@Exclude/],
    ['Exclude to plain', [Exclude({ toPlainOnly: true })], /@Exclude/],
    ['Transform to plain', [Transform(() => 1, { toPlainOnly: true })], /@Transform with toPlainOnly/],
    ['Transform with groups', [Transform(() => 1, { groups: ['a'] })], /@Transform with groups/],
    ['a Map', [typed(Map)], /is a Map/],
    ['a Set that is made of an array', [typed(Set), Type(() => String)], /is a Set/],
    ['a Map by Type', [Type(() => Map)], /is a Map/],
    ['a Buffer', [typed(Buffer)], /is a Buffer/],
    ['a Uint8Array', [typed(Uint8Array)], /is a Uint8Array/],
    ['a bigint', [typed(BigInt)], /is a BigInt/],
    ['a Promise', [typed(Promise)], /is a Promise/],
    ['a function', [typed(Function)], /is a Function/],
    ['what its nested class has', [ValidateNested(), Type(() => Undated)], /Undated\.at/],
    [
      'what a discriminator leads to',
      [
        ValidateNested(),
        Type(() => Inner, { discriminator: { property: 'k', subTypes: [{ name: 'u', value: Undated }] } }),
      ],
      /Undated\.at/,
    ],
  ])('%s', (_, decorators, problem) => {
    expect(() => declared(...decorators)).toThrow(ContractDeclarationError);
    expect(() => declared(...decorators)).toThrow(/^(Declared\.value|Undated\.at) /);
    expect(() => declared(...decorators)).toThrow(problem);
  });

  it('but not for what works', () => {
    const works: PropertyDecorator[][] = [
      [IsDate(), typed(Date), Type(() => Date)],
      [IsDate(), Transform(({ value }) => new Date(value as string))],
      [IsInstance(Inner), Type(() => Inner)],
      [ValidateNested(), Type(() => Inner)],
      [Expose(), IsOptional()],
      [IsNotEmpty(), typed(Object)],
    ];
    for (const decorators of works) expect(() => declared(...decorators)).not.toThrow();
  });

  it('a class that excludes all', () => {
    @Exclude()
    class Empty {}
    expect(() => Contract({ type: 'empty' })(Empty)).toThrow(/^Empty is excluded/);
  });

  it('what its base class has', () => {
    class Base {
      @IsDate()
      at!: Date;
    }
    expect(() => {
      @Contract({ type: 'derived' })
      class Derived extends Base {}
      return Derived;
    }).toThrow(/^Derived\.at /);
  });
});

describe('what is known at the first use only', () => {
  it('is refused then: a class that is declared later', () => {
    const later: { type?: new () => object } = {};
    const Early = declared(
      ValidateNested(),
      Type(() => later.type as new () => object),
    );
    later.type = Undated;
    expect(() => writePayload(contractOf(Early), { value: { at: 1 } })).toThrow(/^Undated\.at /);
  });

  it('is refused then: a rule that gives a promise', () => {
    const Promising = declared(rule(() => Promise.resolve(true)));
    expect(() => readPayload(contractOf(Promising), { value: 1 })).toThrow(
      /Declared\.value has an asynchronous rule, custom/,
    );
  });
});
