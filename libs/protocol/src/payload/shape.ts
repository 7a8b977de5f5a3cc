import { ValidationTypes, type ValidatorConstraintInterface } from 'class-validator';
import { checkProperties } from './declaration.js';
import { constraintsOf, type Property, propertyOf, rulesOf, type ValidationMetadata } from './metadata.js';
import { type Quick, quickOf } from './quick-rules.js';

/** A class-validator rule of a property. */
export interface Rule {
  readonly name: string;
  readonly metadata: ValidationMetadata;
  readonly constraint: ValidatorConstraintInterface;
  readonly isSurelyKept: Quick;
}

/** A property that has class-validator decorators. */
export interface DeclaredProperty extends Property {
  readonly conditions: readonly ((object: object, value: unknown) => boolean)[];
  readonly rules: readonly Rule[];
  /** Its `@ValidateNested`, if it has one. */
  readonly nested: ValidationMetadata | undefined;
  /** Nothing else is made of what the JSON has. */
  readonly isAsGiven: boolean;
}

export interface Shape {
  readonly properties: readonly DeclaredProperty[];
  readonly names: ReadonlySet<string>;
}

const shapes = new WeakMap<Function, Shape>();

/**
 * What class-validator and class-transformer were told of a class, of its base classes included: the properties that
 * have rules. Looked up once, when the class is first used: an app may tell class-validator of its container when all
 * classes are loaded. Throws `ContractDeclarationError` for what can't work.
 */
export function shapeOf(type: Function): Shape {
  let shape = shapes.get(type);
  if (!shape) {
    checkProperties(type);
    const rules = rulesOf(type);
    shape = {
      properties: [...rules].map(([name, its]) => declared(propertyOf(type, name), its)),
      names: new Set(rules.keys()),
    };
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
    isAsGiven: !property.type && property.transforms.length === 0 && !property.isFixed,
  };
}

function ruleOf(metadata: ValidationMetadata): Rule[] {
  const { type } = metadata;
  if (type !== ValidationTypes.CUSTOM_VALIDATION && type !== ValidationTypes.IS_DEFINED) return [];
  return constraintsOf(metadata).map(({ name, instance }) => ({
    name: name || type,
    metadata,
    constraint: instance,
    isSurelyKept: quickOf(metadata, name, instance),
  }));
}
