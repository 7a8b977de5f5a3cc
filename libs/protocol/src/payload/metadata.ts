/// <reference path="./class-transformer-storage.d.ts" />
import type { TypeMetadata } from 'class-transformer';
import { defaultMetadataStorage as transformer } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage } from 'class-validator';

/** What class-transformer calls the making of an instance from plain JSON. */
export const PLAIN_TO_CLASS = 0;

export type ValidationMetadata = ReturnType<
  ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']
>[number];

export type TransformFn = (given: {
  readonly value: unknown;
  readonly key: string;
  readonly obj: object;
  readonly type: typeof PLAIN_TO_CLASS;
  readonly options: object;
}) => unknown;

/** A property, by its `@Type` and `@Transform`. */
export interface Property {
  readonly name: string;
  readonly type: TypeMetadata | undefined;
  readonly transforms: readonly TransformFn[];
  /** Transformed also where the JSON does not have it: it has `@Expose`. */
  readonly isExposed: boolean;
  /** It has a getter alone, or is a method: what the JSON says of it is left out. */
  readonly isFixed: boolean;
}

/** The class-validator rules of a class and its base classes, by property. */
export function rulesOf(type: Function): ReadonlyMap<string, readonly ValidationMetadata[]> {
  const byName = new Map<string, ValidationMetadata[]>();
  for (const metadata of getMetadataStorage().getTargetValidationMetadatas(type, '', false, false)) {
    const known = byName.get(metadata.propertyName);
    if (known) known.push(metadata);
    else byName.set(metadata.propertyName, [metadata]);
  }
  return byName;
}

/** The constraints that carry out a rule; asynchronous ones are told apart if they were registered as such. */
export const constraintsOf = ({ constraintCls }: ValidationMetadata) =>
  getMetadataStorage().getTargetValidatorConstraints(constraintCls);

export function propertyOf(type: Function, name: string): Property {
  const transforms = transformer.findTransformMetadatas(type, name, PLAIN_TO_CLASS);
  return {
    name,
    type: transformer.findTypeMetadata(type, name),
    transforms: transforms.map(({ transformFn }) => transformFn as TransformFn),
    isExposed: (transformer.findExposeMetadata(type, name) as unknown) !== undefined,
    isFixed: isFixed(type.prototype as object, name),
  };
}

function isFixed(prototype: object, name: string): boolean {
  for (let each: object | null = prototype; each !== null; each = Object.getPrototypeOf(each) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(each, name);
    if (descriptor) return name === '__proto__' || !descriptor.set;
  }
  return false;
}
