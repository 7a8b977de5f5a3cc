import 'reflect-metadata';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage, IS_OPTIONAL, ValidationTypes } from 'class-validator';
import type { PayloadClass } from '../contract.js';
import { both } from './combine.js';
import { keepsRule, type Rule, ruleSchema, ruleText } from './rules.js';
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
    const rules = Object.entries(rulesByProperty(payload)).sort(([a], [b]) => (a < b ? -1 : 1));
    const required = rules
      .filter(([name, its]) => instance[name] === undefined && !takes(its, undefined))
      .map(([name]) => name);
    return {
      type: 'object',
      properties: Object.fromEntries(rules.map(([name, its]) => [name, this.propertySchema(payload, name, its)])),
      ...(required.length > 0 ? { required } : {}),
    };
  }

  private propertySchema(payload: PayloadClass, name: string, rules: readonly Rule[]): Schema {
    const severalPatterns = rules.filter((rule) => rule.name === 'matches').length > 1;
    const schema = rules
      .filter((rule) => rule.type === ValidationTypes.CUSTOM_VALIDATION)
      .map((rule): Schema => {
        const sometimes = rule.validateIf !== undefined || rules.some(isCondition);
        const text = ruleText(rule.name ?? '', rule.constraints ?? []);
        // a rule that is not always kept promises nothing, so that it is compared by its name alone
        if (sometimes) return { 'x-rules': [`sometimes ${text}`] };
        const one = rule.name === 'matches' && severalPatterns ? { 'x-rules': [text] } : ruleSchema(rule);
        return rule.each ? { items: one } : one;
      })
      .reduce(both, this.nestedSchema(payload, name, rules));
    return takes(rules, null) ? { anyOf: [schema, { type: 'null' }] } : schema;
  }

  private nestedSchema(payload: PayloadClass, name: string, rules: readonly Rule[]): Schema {
    const rule = rules.find(({ type }) => type === ValidationTypes.NESTED_VALIDATION);
    if (!rule) return {};
    const declared: unknown = Reflect.getMetadata('design:type', payload.prototype as object, name);
    const typed = defaultMetadataStorage.findTypeMetadata(rule.target as () => void, name);
    const nested: unknown = typed?.typeFunction() ?? declared;
    const one = this.variants(typed?.options.discriminator?.subTypes) ?? this.reference(nested);
    if (rules.some(isCondition)) return { 'x-rules': ['sometimes nested'] };
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

function rulesByProperty(payload: PayloadClass): Record<string, Rule[]> {
  const storage = getMetadataStorage();
  return storage.groupByPropertyName(storage.getTargetValidationMetadatas(payload, '', false, false));
}

/** `@ValidateIf`: its property's rules hold for some payloads only. */
const isCondition = (rule: Rule): boolean =>
  rule.type === ValidationTypes.CONDITIONAL_VALIDATION && rule.name !== IS_OPTIONAL;

/** Whether a property may be missing (undefined), or null. */
function takes(rules: readonly Rule[], value: null | undefined): boolean {
  if (rules.some((rule) => rule.type === ValidationTypes.CONDITIONAL_VALIDATION)) return true;
  return rules.every(
    (rule) =>
      (rule.type === ValidationTypes.NESTED_VALIDATION && value === undefined) ||
      rule.type === ValidationTypes.WHITELIST ||
      (rule.type === ValidationTypes.CUSTOM_VALIDATION && (rule.validateIf !== undefined || keepsRule(rule, value))),
  );
}
