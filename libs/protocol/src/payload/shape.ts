import { type ValidationArguments, ValidationTypes, type ValidatorConstraintInterface } from 'class-validator';
import { checkProperties } from './declaration.js';
import { constraintsOf, type Property, propertyOf, rulesOf, type ValidationMetadata } from './metadata.js';

/** A class-validator rule of a property. */
export interface Rule {
  readonly name: string;
  readonly metadata: ValidationMetadata;
  readonly constraint: ValidatorConstraintInterface;
}

/** A property that has class-validator decorators. */
export interface DeclaredProperty extends Property {
  readonly conditions: readonly ((object: object, value: unknown) => boolean)[];
  readonly rules: readonly Rule[];
  /** Its `@ValidateNested`, if it has one. */
  readonly nested: ValidationMetadata | undefined;
}

export type Shape = ReadonlyMap<string, DeclaredProperty>;

const shapes = new WeakMap<Function, Shape>();

/**
 * What class-validator and class-transformer were told of a class, looked up once: the properties that have rules, those of
 * its base classes included. Throws `ContractDeclarationError` for what can't work.
 */
export function shapeOf(type: Function): Shape {
  let shape = shapes.get(type);
  if (!shape) {
    checkProperties(type);
    shape = new Map([...rulesOf(type)].map(([name, rules]) => [name, declared(propertyOf(type, name), rules)]));
    shapes.set(type, shape);
  }
  return shape;
}

function declared(property: Property, metadatas: readonly ValidationMetadata[]): DeclaredProperty {
  const conditional = metadatas.filter(({ type }) => type === ValidationTypes.CONDITIONAL_VALIDATION);
  return {
    ...property,
    conditions: conditional.map(({ constraints }) => constraints[0] as (object: object, value: unknown) => boolean),
    rules: metadatas.flatMap(ruleOf),
    nested: metadatas.find(({ type }) => type === ValidationTypes.NESTED_VALIDATION),
  };
}

function ruleOf(metadata: ValidationMetadata): Rule[] {
  const { type } = metadata;
  if (type !== ValidationTypes.CUSTOM_VALIDATION && type !== ValidationTypes.IS_DEFINED) return [];
  return constraintsOf(metadata).map((constraint) => ({
    name: constraint.name || type,
    metadata,
    constraint: lazily(constraint),
  }));
}

/** Asks for the instance at the first use: an app may tell class-validator of its container when all classes are loaded. */
function lazily(constraint: { readonly instance: ValidatorConstraintInterface }): ValidatorConstraintInterface {
  let instance: ValidatorConstraintInterface | undefined;
  const used = (): ValidatorConstraintInterface => (instance ??= constraint.instance);
  return {
    validate: (value: unknown, args?: ValidationArguments) => used().validate(value, args),
    defaultMessage: (args?: ValidationArguments) => used().defaultMessage?.(args) ?? '',
  };
}
