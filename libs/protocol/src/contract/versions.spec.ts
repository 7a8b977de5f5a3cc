import { describe, expect, it } from '@jest/globals';
import { IsArray, IsString } from 'class-validator';
import { ContractCatalogue } from './catalogue.js';
import { Contract, contractOf, type ContractOptions } from './contract.js';
import { ContractViolationError, InvalidMessageError } from '../errors.js';
import { readPayload, validatePayload } from '../payload/validation.js';
import { versionsTaken } from './versions.js';

/** Version 1 has `name`, version 2 `first` and `last`, version 3 `names`. */
@Contract({
  type: 'person',
  version: 3,
  upcast: {
    1: ({ name, ...rest }: { name: string }) => {
      const [first, last] = name.split(' ');
      return { ...rest, first, last };
    },
    2: ({ first, last }) => ({ names: [first, last] }),
  },
})
class Person {
  @IsArray()
  @IsString({ each: true })
  names!: string[];
}

const person = contractOf(Person);

describe('a contract with upcasters', () => {
  it.each([
    [1, { name: 'Ada Lovelace' }],
    [1, { name: 'Ada Lovelace', unknown: true }],
    [2, { first: 'Ada', last: 'Lovelace' }],
    [3, { names: ['Ada', 'Lovelace'] }],
    [3, { names: ['Ada', 'Lovelace'], unknown: true }],
  ])('takes version %i as its own class', (version, plain) => {
    const read = readPayload(person, plain, version);
    expect(read).toBeInstanceOf(Person);
    expect(read).toEqual({ names: ['Ada', 'Lovelace'] });
    expect(versionsTaken(person)).toEqual([1, 2, 3]);
  });

  it('refuses for a sender what its own version does not have', () => {
    expect(() => validatePayload(person, { names: [], unknown: true }, 3)).toThrow(/unknown/);
    expect(validatePayload(person, { name: 'Ada Lovelace', unknown: true }, 1)).toEqual({ names: ['Ada', 'Lovelace'] });
  });

  it.each([
    ['a version above its own', 4, { names: [] }, /^person@3: version: 4 is not taken, only 1, 2, 3/],
    ['what its upcaster throws at', 1, {}, /^person@3: version: 1 can't become 2: TypeError: /],
    ['what becomes invalid', 2, { first: 'Ada', last: 7 }, /^person@3: names: each value in names must be a string/],
  ])('names the reason for %s', (_, version, plain, reason) => {
    expect(() => readPayload(person, plain, version)).toThrow(ContractViolationError);
    expect(() => readPayload(person, plain, version)).toThrow(reason);
  });

  it.each<[string, Omit<ContractOptions, 'type'>]>([
    ['upcast.2', { version: 2, upcast: { 2: (old) => old } }],
    ['upcast.0', { version: 2, upcast: { 0: (old) => old } }],
    ['upcast.a', { version: 2, upcast: { a: (old: object) => old } as ContractOptions['upcast'] & object }],
    ['upcast.1', { upcast: { 1: (old) => old } }],
    ['upcast.2', { version: 3, upcast: { 1: (old) => old } }],
    ['upcast.2', { version: 4, upcast: { 1: (old) => old, 3: (old) => old } }],
    ['upcast.1', { version: 2, upcast: { 1: 'no function' as never } }],
  ])('names %s when it is declared wrong', (field, options) => {
    const declared = (): unknown => Contract({ type: 'person', ...options });
    expect(declared).toThrow(InvalidMessageError);
    expect(declared).toThrow(new RegExp(`^${field.replace('.', '\\.')}: `));
  });
});

describe('the catalogue of several versions', () => {
  @Contract({ type: 'person' })
  class First {}
  @Contract({ type: 'person', version: 2, upcast: { 1: (old) => old } })
  class Second {}

  it('gives a version to its own class, else to the lowest that can upcast it', () => {
    const reader = (payloads: (new () => object)[], version: number) =>
      new ContractCatalogue(payloads).find('person', version)?.payload;
    expect([1, 2, 3, 4].map((version) => reader([Person], version))).toEqual([Person, Person, Person, undefined]);
    expect([1, 2, 3].map((version) => reader([Person, Second], version))).toEqual([Second, Second, Person]);
    expect([1, 2, 3].map((version) => reader([Person, Second, First], version))).toEqual([First, Second, Person]);
  });
});
