/// <reference path="./class-transformer-storage.d.ts" />
import { defaultMetadataStorage as transformer } from 'class-transformer/cjs/storage.js';
import { ValidationTypes } from 'class-validator';
import { ContractDeclarationError } from '../errors.js';
import { constraintsOf, propertyOf, rulesOf, type ValidationMetadata } from './metadata.js';

/** What JSON has no form for, so that no property of that class can be sent. */
const UNSENDABLE: ReadonlySet<unknown> = new Set<unknown>([
  ...[Map, Set, WeakMap, WeakSet, Promise, RegExp, BigInt, Symbol, Function],
  ...[ArrayBuffer, SharedArrayBuffer, DataView, Buffer],
]);
const TypedArray: unknown = Object.getPrototypeOf(Uint8Array);
const DATE_RULES: ReadonlySet<unknown> = new Set(['isDate', 'minDate', 'maxDate']);

/**
 * Looks for what can't work over JSON in a class, its base classes and the classes of its properties. A class that is not
 * loaded yet is looked at when it is first used. Throws `ContractDeclarationError`.
 */
export function checkDeclaration(type: Function, seen: Set<Function> = new Set()): void {
  if (seen.has(type)) return;
  seen.add(type);
  checkProperties(type);
  for (const name of rulesOf(type).keys()) for (const nested of nestedTypes(type, name)) checkDeclaration(nested, seen);
}

/** As {@link checkDeclaration}, of the class's own properties alone. */
export function checkProperties(type: Function): void {
  if (transformer.getStrategy(type) === 'excludeAll')
    throw new ContractDeclarationError(type.name, '', 'is excluded by @Exclude, and would arrive empty');
  const rules = rulesOf(type);
  const names = new Set([...rules.keys(), ...namesOf(transformer.getExposedMetadatas(type))]);
  for (const name of [...names, ...namesOf(transformer.getExcludedMetadatas(type))]) {
    const problem = transformProblem(type, name) ?? typeProblem(type, name, rules.get(name) ?? []);
    if (problem) throw new ContractDeclarationError(type.name, typeof name === 'symbol' ? 'a symbol' : name, problem);
  }
}

const namesOf = (metadatas: readonly { readonly propertyName: string | undefined }[]): string[] =>
  metadatas.flatMap(({ propertyName }) => propertyName ?? []);

function transformProblem(type: Function, name: string): string | undefined {
  if (typeof name === 'symbol') return 'is named by a symbol, which JSON leaves out';
  if (transformer.findExcludeMetadata(type, name) as unknown)
    return 'is excluded by @Exclude: it would be sent, and not arrive';
  const expose = (transformer.findExposeMetadata(type, name) as { options?: object } | undefined)?.options;
  const option = optionOf(expose, ['name', 'groups', 'since', 'until']);
  if (option) return `has @Expose with ${option}, which holds on one side of the wire only`;
  for (const { options } of [0, 1].flatMap((direction) => transformer.findTransformMetadatas(type, name, direction))) {
    const unused = optionOf(options, ['toPlainOnly', 'groups', 'since', 'until']);
    if (unused) return `has @Transform with ${unused}, which is never used: payloads are sent as they are`;
  }
  return undefined;
}

const optionOf = (options: object | undefined, names: readonly string[]): string | undefined =>
  names.find((name) => Boolean((options as Record<string, unknown> | undefined)?.[name]));

function typeProblem(type: Function, name: string, rules: readonly ValidationMetadata[]): string | undefined {
  const property = propertyOf(type, name);
  // What a getter gives is checked on both sides, and sent by neither.
  const isMade = property.isFixed || property.type !== undefined || property.transforms.length > 0;
  const reflected: unknown = property.isFixed
    ? undefined
    : Reflect.getMetadata('design:type', type.prototype as object, name);
  for (const given of [reflected, ...nestedTypes(type, name)]) {
    if (UNSENDABLE.has(given) || (typeof given === 'function' && given.prototype instanceof (TypedArray as Function)))
      return `is a ${(given as Function).name}, which JSON has no form for`;
  }
  const isDate = reflected === Date || rules.some((rule) => DATE_RULES.has(rule.name));
  if (isDate && !isMade) return 'is a Date, and arrives as a string: it needs @Type(() => Date)';
  for (const rule of rules) {
    if (isAsynchronous(rule))
      return `has an asynchronous rule${rule.name ? `, ${rule.name}` : ''}: rules are checked at once`;
    if (rule.type === ValidationTypes.NESTED_VALIDATION && !isMade)
      return 'has @ValidateNested without @Type(() => …), so that none of its rules would be checked';
    if (rule.name === 'isInstance' && !isMade && rule.constraints[0] !== Object && rule.constraints[0] !== Array)
      return 'has @IsInstance, and arrives as plain JSON: it needs @Type(() => …)';
  }
  return undefined;
}

const AsyncFunction = (async () => undefined).constructor;

const isAsynchronous = (rule: ValidationMetadata): boolean =>
  rule.type === ValidationTypes.PROMISE_VALIDATION ||
  constraintsOf(rule).some(
    ({ async, target }) => async || (target.prototype as { validate?: unknown }).validate instanceof AsyncFunction,
  );

/** The loaded classes that `@Type` and its discriminator name. */
function nestedTypes(type: Function, name: string): Function[] {
  const metadata = propertyOf(type, name).type;
  if (!metadata) return [];
  const subTypes = metadata.options.discriminator?.subTypes.map(({ value }) => value) ?? [];
  try {
    const help = { newObject: {}, object: {}, property: name };
    const named: unknown = (metadata.typeFunction as typeof metadata.typeFunction | undefined)?.(help);
    return [...(typeof named === 'function' ? [named] : []), ...subTypes];
  } catch {
    return subTypes;
  }
}
