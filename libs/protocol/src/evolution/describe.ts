import { IS_OPTIONAL, ValidationTypes } from 'class-validator';
import type { PayloadClass } from '../contract/contract.js';
import { type Property, propertyOf, rulesOf, type ValidationMetadata } from '../payload/metadata.js';
import { both } from './combine.js';
import { keepsRule, ruleSchema, ruleText } from './rules.js';
import type { Schema } from './schema.js';

/** The JSON Schema of a payload class: what its class-validator rules take. */
export function describePayload(payload: PayloadClass): Schema {
  const described = new Description();
  const schema = described.classSchema(payload);
  const $defs = described.defs();
  return Object.keys($defs).length > 0 ? { ...schema, $defs } : schema;
}

class Description {
  private readonly names = new Map<PayloadClass, string>();
  private readonly schemas = new Map<string, Schema>();

  defs(): Readonly<Record<string, Schema>> {
    return Object.fromEntries([...this.schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  classSchema(payload: PayloadClass): Schema {
    const instance: Readonly<Record<string, unknown>> = { ...new payload() };
    const rules = [...rulesOf(payload)].sort(([a], [b]) => (a < b ? -1 : 1));
    const required = rules
      .filter(([name, its]) => instance[name] === undefined && !takes(its, undefined))
      .map(([name]) => name);
    return {
      type: 'object',
      properties: Object.fromEntries(rules.map(([name, its]) => [name, this.propertySchema(payload, name, its)])),
      ...(required.length > 0 ? { required } : {}),
    };
  }

  private propertySchema(payload: PayloadClass, name: string, rules: readonly ValidationMetadata[]): Schema {
    const property = propertyOf(payload, name);
    const severalPatterns = rules.filter((rule) => rule.name === 'matches').length > 1;
    const schema = rules
      .filter((rule) => rule.type === ValidationTypes.CUSTOM_VALIDATION)
      .map((rule): Schema => {
        const text = ruleText(rule.name ?? '', rule.constraints ?? []);
        // What such a rule says of the JSON is not known, so that it is compared by its name alone.
        if (rule.validateIf || rules.some(isCondition)) return { 'x-rules': [`sometimes ${text}`] };
        if (isConverted(property)) return { 'x-rules': [`converted ${text}`] };
        const one = rule.name === 'matches' && severalPatterns ? { 'x-rules': [text] } : ruleSchema(rule);
        return rule.each ? { items: one } : one;
      })
      .reduce(both, this.nestedSchema(payload, property, rules));
    return takes(rules, null) ? { anyOf: [schema, { type: 'null' }] } : schema;
  }

  private nestedSchema(payload: PayloadClass, property: Property, rules: readonly ValidationMetadata[]): Schema {
    if (!rules.some(({ type }) => type === ValidationTypes.NESTED_VALIDATION)) return {};
    const declared: unknown = Reflect.getMetadata('design:type', payload.prototype as object, property.name);
    const nested = typeOf(property) ?? declared;
    const one = this.variants(property.type?.options.discriminator?.subTypes) ?? this.reference(nested);
    if (rules.some(isCondition)) return { 'x-rules': ['sometimes nested'] };
    if (isConverted(property)) return { 'x-rules': ['converted nested'] };
    const list = declared === Array || rules.some((other) => other.each || other.name === 'isArray');
    return list ? { type: 'array', items: one } : one;
  }

  private variants(subTypes: readonly { readonly name: string; readonly value: unknown }[] | undefined) {
    if (!subTypes) return undefined;
    return { oneOf: subTypes.map(({ name, value }) => ({ title: name, ...this.reference(value) })) };
  }

  private reference(nested: unknown): Schema {
    if (typeof nested !== 'function' || nested === Object || nested === Array) return { type: 'object' };
    const payload = nested as PayloadClass;
    const known = this.names.get(payload);
    if (known !== undefined) return { $ref: `#/$defs/${known}` };
    const alike = [...this.names.keys()].filter((other) => other.name === payload.name).length;
    const name = alike === 0 ? payload.name : `${payload.name}${alike + 1}`;
    this.names.set(payload, name);
    this.schemas.set(name, this.classSchema(payload));
    return { $ref: `#/$defs/${name}` };
  }
}

/** The class that `@Type` names. */
const typeOf = ({ type, name }: Property): unknown => type?.typeFunction({ newObject: {}, object: {}, property: name });

/** `@Transform`, and `@Type` of a primitive: rules are of what is made of the JSON. */
const isConverted = (property: Property): boolean =>
  property.transforms.length > 0 || [String, Number, Boolean].some((type) => type === typeOf(property));

/** `@ValidateIf`: its property's rules hold for some payloads only. */
const isCondition = (rule: ValidationMetadata): boolean =>
  rule.type === ValidationTypes.CONDITIONAL_VALIDATION && rule.name !== IS_OPTIONAL;

/** Whether a property may be missing (undefined), or null. */
function takes(rules: readonly ValidationMetadata[], value: null | undefined): boolean {
  if (rules.some((rule) => rule.type === ValidationTypes.CONDITIONAL_VALIDATION)) return true;
  return rules.every(
    (rule) =>
      (rule.type === ValidationTypes.NESTED_VALIDATION && value === undefined) ||
      rule.type === ValidationTypes.WHITELIST ||
      (rule.type === ValidationTypes.CUSTOM_VALIDATION && (rule.validateIf !== undefined || keepsRule(rule, value))),
  );
}
