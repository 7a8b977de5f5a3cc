import { types } from 'node:util';
import type { TypeMetadata, TypeOptions } from 'class-transformer';
import type { ValidationArguments } from 'class-validator';
import { shortened } from '../bounds.js';
import { ContractDeclarationError, type Violation } from '../errors.js';
import { LONGEST_TEXT, MAX_VIOLATIONS } from './limits.js';
import { PLAIN_TO_CLASS, type Property, propertyOf } from './metadata.js';
import { type Rule, type Shape, shapeOf } from './shape.js';
import { messageOf } from './violation-message.js';

type Fields = Readonly<Record<string, unknown>>;
type Class = new () => object;

/** Ends the reading of a payload that has enough problems. */
class EnoughError extends Error {}

/**
 * Makes an instance of a class from a JSON object and checks it by its rules: what class-transformer's `plainToInstance` and
 * class-validator's `validateSync` do, in time linear in the size of the JSON, and no further than to the first problems.
 * Properties that the class does not have are refused if it is `strict`, else left out.
 */
export class PayloadReader {
  /** What is wrong: the first {@link MAX_VIOLATIONS}. */
  readonly violations: Violation[] = [];
  private readonly path: (string | number)[] = [];

  constructor(private readonly strict: boolean) {}

  /** Undefined when there are violations. Throws `ContractDeclarationError` for a class that can't work. */
  read<P extends object>(type: new () => P, plain: object): P | undefined {
    try {
      const instance = this.make(type, plain as Fields, false);
      this.check(instance);
      return this.violations.length > 0 ? undefined : (instance as P);
    } catch (error) {
      if (error instanceof ContractDeclarationError) throw error;
      // Of a constructor, a transform, a condition or a rule that did not expect such a value.
      if (!(error instanceof EnoughError)) this.add('isReadable', `can't be read: ${textOf(error)}`);
      return undefined;
    }
  }

  /** With all that the class declares; `open`: with everything, since none of its rules is going to be checked. */
  private make(type: Class, plain: Fields, open: boolean, options?: TypeOptions): object {
    const shape = shapeOf(type);
    const instance = new type() as Record<string, unknown>;
    const omitted = omittedOf(options);
    let known = 0;
    for (const each of shape.properties) {
      const { name } = each;
      const value = Object.hasOwn(plain, name) ? plain[name] : undefined;
      if (value !== undefined) known++;
      if (name === omitted) continue;
      if (!each.isAsGiven) this.set(instance, each, { plain, value, open: open || each.nested === undefined });
      else if (value !== undefined && typeof instance[name] !== 'function') instance[name] = value;
    }
    if (open || this.strict) {
      const keys = Object.keys(plain);
      if (keys.length !== known) this.others(instance, type, { plain, keys, shape, open, omitted });
    }
    return instance;
  }

  private others(
    instance: object,
    type: Class,
    {
      plain,
      keys,
      shape,
      open,
      omitted,
    }: {
      readonly plain: Fields;
      readonly keys: readonly string[];
      readonly shape: Shape;
      readonly open: boolean;
      readonly omitted: string | undefined;
    },
  ): void {
    for (const key of keys) {
      const value = plain[key];
      if (shape.names.has(key) || key === omitted || value === undefined) continue;
      if (open) {
        this.set(instance, propertyOf(type, key), { plain, value, open });
        continue;
      }
      this.path.push(key);
      this.note('whitelistValidation', `property ${key} should not exist`);
      this.path.pop();
    }
  }

  private set(
    instance: object,
    { name, type, transforms, isExposed, isFixed }: Property,
    { plain, value: given, open }: { readonly plain: Fields; readonly value: unknown; readonly open: boolean },
  ): void {
    let value = given;
    if (value === undefined && !(isExposed && transforms.length > 0)) return;
    const fields = instance as Record<string, unknown>;
    if (isFixed || typeof fields[name] === 'function') return;
    this.path.push(name);
    if (type && value !== undefined) {
      const target = classOf(type, { newObject: instance, object: plain, property: name });
      value = this.convert(value, target, type.options, open);
    }
    for (const transform of transforms)
      value = transform({ value, key: name, obj: plain, type: PLAIN_TO_CLASS, options: {} });
    fields[name] = value;
    this.path.pop();
  }

  private convert(value: unknown, target: unknown, options: TypeOptions, open: boolean): unknown {
    if (value === null) return value;
    if (Array.isArray(value)) {
      return value.map((item: unknown, index) => {
        this.path.push(index);
        const converted = this.convert(item, target, options, open);
        this.path.pop();
        return converted;
      });
    }
    // oxlint-disable-next-line typescript/no-base-to-string -- as class-transformer does
    if (target === String) return String(value);
    if (target === Number) return Number(value);
    if (target === Boolean) return Boolean(value);
    if (target === Date) return value instanceof Date ? value : new Date(value as string);
    if (typeof value !== 'object') return value;
    const type = subTypeOf(value as Fields, options) ?? target;
    if (typeof type !== 'function' || type === Object || type === Array) return value;
    return this.make(type as Class, value as Fields, open, options);
  }

  private check(instance: object): void {
    const fields = instance as Fields;
    const { constructor } = Object.getPrototypeOf(instance) as { readonly constructor: Function };
    for (const { name, conditions, rules, nested } of shapeOf(constructor).properties) {
      const value = fields[name];
      if (conditions.length > 0 && !conditions.every((holds) => holds(instance, value))) continue;
      this.path.push(name);
      for (const rule of rules) if (!rule.isSurelyKept(value)) this.apply(rule, instance, value, constructor.name);
      if (nested && value !== undefined) this.checkNested(value, { name: nested.type, metadata: nested }, instance);
      this.path.pop();
    }
  }

  private checkNested(value: unknown, rule: Pick<Rule, 'name' | 'metadata'>, owner: object): void {
    const items = itemsOf(value);
    if (items) {
      items.forEach((item, index) => {
        this.path.push(index);
        this.checkNested(item, rule, owner);
        this.path.pop();
      });
      return;
    }
    if (typeof value === 'object' && value !== null) return this.check(value);
    const { propertyName: property, constraints } = rule.metadata;
    this.note(rule.name, messageOf(rule, { targetName: '', property, object: owner, value, constraints }));
  }

  private apply(rule: Rule, object: object, value: unknown, targetName: string): void {
    const { metadata, constraint } = rule;
    if (metadata.validateIf && !metadata.validateIf(object, value)) return;
    const { propertyName: property, constraints } = metadata;
    const args: ValidationArguments = { targetName, property, object, value, constraints };
    const holds = (each: unknown): boolean => {
      const result: unknown = constraint.validate(each, args);
      if (!types.isPromise(result)) return Boolean(result);
      throw new ContractDeclarationError(targetName, property, `has an asynchronous rule, ${rule.name}`);
    };
    const items = metadata.each ? itemsOf(value) : undefined;
    if (items ? items.every(holds) : holds(value)) return;
    this.note(rule.name, messageOf(rule, args));
  }

  private note(rule: string, message: string): void {
    this.add(rule, message);
    if (this.violations.length >= MAX_VIOLATIONS) throw new EnoughError();
  }

  private add(rule: string, message: string): void {
    const field = shortened(this.path.join('.') || 'payload', LONGEST_TEXT);
    this.violations.push({ field, rule, message: shortened(message, LONGEST_TEXT) });
  }
}

/** What tells the class alone: class-transformer leaves it out unless it is told to keep it. */
const omittedOf = (options: TypeOptions | undefined): string | undefined =>
  options?.keepDiscriminatorProperty ? undefined : options?.discriminator?.property;

const subTypeOf = (value: Fields, { discriminator }: TypeOptions): Function | undefined =>
  discriminator?.subTypes.find(({ name }) => name === value[discriminator.property])?.value;

function classOf(type: TypeMetadata, help: Parameters<TypeMetadata['typeFunction']>[0]): unknown {
  const { typeFunction, reflectedType } = type as Omit<TypeMetadata, 'typeFunction'> & Partial<TypeMetadata>;
  return typeFunction ? typeFunction(help) : (reflectedType as unknown);
}

function itemsOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  return value instanceof Set || value instanceof Map ? [...value.values()] : undefined;
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
