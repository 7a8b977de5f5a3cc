import { resolved, type Schema, type SchemaType } from './schema.js';

/** A rule by which a receiver refuses a payload that a sender may send. */
export interface Incompatibility {
  /** A path such as `items[].sku`; `payload` for the payload itself. */
  readonly field: string;
  readonly rule: string;
  /** The end of a sentence that begins with the field. */
  readonly problem: string;
}

interface Bound {
  /** The type of value that it limits. */
  readonly of: SchemaType;
  /** Whether everything that keeps the sender's rules keeps the bound. */
  readonly kept: (sender: Schema, bound: number) => boolean;
  readonly holds: (value: unknown, bound: number) => boolean;
}

const atLeast = (value: number | undefined, bound: number) => value !== undefined && value >= bound;
const atMost = (value: number | undefined, bound: number) => value !== undefined && value <= bound;
/** As validator.js counts: a surrogate pair is one. */
const lengthOf = (value: unknown) => (typeof value === 'string' ? [...value].length : undefined);

const bounds: Partial<Record<keyof Schema, Bound>> = {
  minimum: {
    of: 'number',
    kept: (sender, bound) => atLeast(sender.minimum, bound) || atLeast(sender.exclusiveMinimum, bound),
    holds: (value, bound) => typeof value !== 'number' || value >= bound,
  },
  exclusiveMinimum: {
    of: 'number',
    kept: (sender, bound) =>
      atLeast(sender.exclusiveMinimum, bound) || (sender.minimum !== undefined && sender.minimum > bound),
    holds: (value, bound) => typeof value !== 'number' || value > bound,
  },
  maximum: {
    of: 'number',
    kept: (sender, bound) => atMost(sender.maximum, bound) || atMost(sender.exclusiveMaximum, bound),
    holds: (value, bound) => typeof value !== 'number' || value <= bound,
  },
  exclusiveMaximum: {
    of: 'number',
    kept: (sender, bound) =>
      atMost(sender.exclusiveMaximum, bound) || (sender.maximum !== undefined && sender.maximum < bound),
    holds: (value, bound) => typeof value !== 'number' || value < bound,
  },
  minLength: {
    of: 'string',
    kept: (sender, bound) => atLeast(sender.minLength, bound),
    holds: (value, bound) => (lengthOf(value) ?? bound) >= bound,
  },
  maxLength: {
    of: 'string',
    kept: (sender, bound) => atMost(sender.maxLength, bound),
    holds: (value, bound) => (lengthOf(value) ?? bound) <= bound,
  },
  minItems: { of: 'array', kept: (sender, bound) => atLeast(sender.minItems, bound), holds: () => true },
  maxItems: { of: 'array', kept: (sender, bound) => atMost(sender.maxItems, bound), holds: () => true },
  minProperties: { of: 'object', kept: (sender, bound) => atLeast(sender.minProperties, bound), holds: () => true },
};

/** Why a receiver may refuse what a sender may send, if both keep to their schemas. Unknown fields are dropped. */
export function incompatibilities(sender: Schema, receiver: Schema): Incompatibility[] {
  const comparison = new Comparison(sender, receiver);
  comparison.compare(sender, receiver, '');
  return comparison.found;
}

class Comparison {
  readonly found: Incompatibility[] = [];
  private readonly compared = new Set<string>();

  constructor(
    private readonly senderRoot: Schema,
    private readonly receiverRoot: Schema,
  ) {}

  compare(given: Schema, wanted: Schema, field: string): void {
    const [value, expected] = [given.anyOf?.[0] ?? given, wanted.anyOf?.[0] ?? wanted];
    const refuse = (rule: string, problem: string): void => {
      this.found.push({ field: field || 'payload', rule, problem });
    };
    if (given.anyOf && !wanted.anyOf) refuse('null', 'may be null');
    if (this.isCompared(value, expected)) return;
    const sender = resolved(value, this.senderRoot);
    const receiver = resolved(expected, this.receiverRoot);
    if (receiver.type && !typesOf(sender).every((type) => isWithin(type, receiver.type))) {
      refuse('type', `is ${typesOf(sender).join(' or ')}, not ${receiver.type}`);
      return;
    }
    compareValues(sender, receiver, refuse);
    if (receiver.items && mayBe(sender, 'array')) this.compare(sender.items ?? {}, receiver.items, `${field}[]`);
    if (receiver.oneOf || sender.oneOf) this.compareVariants(sender, receiver, field, refuse);
    if (receiver.properties) this.compareProperties(sender, receiver, field, refuse);
  }

  /** Classes that contain themselves are compared once. */
  private isCompared(sender: Schema, receiver: Schema): boolean {
    if (sender.$ref === undefined || receiver.$ref === undefined) return false;
    const pair = `${sender.$ref} ${receiver.$ref}`;
    if (this.compared.has(pair)) return true;
    this.compared.add(pair);
    return false;
  }

  private compareProperties(sender: Schema, receiver: Schema, field: string, refuse: Refuse): void {
    if (!sender.properties) {
      if (!sender.oneOf) refuse('type', 'is any object, not one with the fields that are known');
      return;
    }
    for (const [name, wanted] of Object.entries(receiver.properties ?? {})) {
      const path = field ? `${field}.${name}` : name;
      const given = Object.hasOwn(sender.properties, name) ? sender.properties[name] : undefined;
      if (receiver.required?.includes(name) && !(given && sender.required?.includes(name))) {
        this.found.push({ field: path, rule: 'required', problem: 'may be missing' });
      }
      if (given) this.compare(given, wanted, path);
    }
  }

  private compareVariants(sender: Schema, receiver: Schema, field: string, refuse: Refuse): void {
    const wanted = new Map(receiver.oneOf?.map((variant) => [variant.title, variant]));
    for (const variant of sender.oneOf ?? []) {
      const same = receiver.oneOf ? wanted.get(variant.title) : receiver;
      if (same) this.compare(variant, same, field);
      else refuse('discriminator', `may be of the kind ${variant.title}`);
    }
    if (!sender.oneOf) refuse('discriminator', 'may be of no known kind');
  }
}

type Refuse = (rule: string, problem: string) => void;

function compareValues(sender: Schema, receiver: Schema, refuse: Refuse): void {
  const values = sender.enum;
  if (receiver.enum) {
    const others = values?.filter((value) => !receiver.enum?.includes(value));
    if (!others) refuse('enum', `is not limited to ${list(receiver.enum)}`);
    else if (others.length > 0) refuse('enum', `may be ${list(others)}`);
  }
  for (const [keyword, { of, kept, holds }] of Object.entries(bounds)) {
    const bound = receiver[keyword as keyof Schema];
    if (typeof bound !== 'number' || !mayBe(sender, of)) continue;
    if (values ? !values.every((value) => holds(value, bound)) : !kept(sender, bound)) {
      refuse(keyword, `may break ${keyword} ${bound}`);
    }
  }
  if (receiver.uniqueItems && !sender.uniqueItems) refuse('uniqueItems', 'may have equal items');
  const { pattern } = receiver;
  if (pattern !== undefined && pattern !== sender.pattern && !values?.every((value) => isMatch(pattern, value))) {
    refuse('pattern', `may not match /${pattern}/`);
  }
  for (const rule of receiver['x-rules'] ?? []) {
    if (!sender['x-rules']?.includes(rule)) refuse(rule, `may break the rule ${rule}`);
  }
}

const list = (values: readonly unknown[]): string => values.map((value) => JSON.stringify(value)).join(', ');

const isMatch = (pattern: string, value: unknown): boolean =>
  typeof value === 'string' && new RegExp(pattern).test(value);

const isWithin = (type: string, wanted: SchemaType | undefined): boolean =>
  type === wanted || (type === 'integer' && wanted === 'number');

const mayBe = (schema: Schema, wanted: SchemaType): boolean =>
  typesOf(schema).some((type) => type === 'anything' || isWithin(type, wanted));

/** The types that a value may have; `anything` when its rules do not say. */
function typesOf(schema: Schema): string[] {
  if (schema.type) return [schema.type];
  if (schema.oneOf) return ['object'];
  if (!schema.enum) return ['anything'];
  return [...new Set(schema.enum.map((value) => (Number.isInteger(value) ? 'integer' : typeof value)))];
}
