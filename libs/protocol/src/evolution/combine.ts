import type { Schema, SchemaType } from './schema.js';

const higher = (a: number, b: number) => Math.max(a, b);
const lower = (a: number, b: number) => Math.min(a, b);
const tighter: Partial<Record<keyof Schema, (a: number, b: number) => number>> = {
  minimum: higher,
  exclusiveMinimum: higher,
  minLength: higher,
  minItems: higher,
  minProperties: higher,
  maximum: lower,
  exclusiveMaximum: lower,
  maxLength: lower,
  maxItems: lower,
};

/** The schema of what keeps both. */
export function both(a: Schema, b: Schema): Schema {
  const joined: Record<string, unknown> = { ...a, ...b };
  for (const [keyword, choose] of Object.entries(tighter)) {
    const [left, right] = [a[keyword as keyof Schema], b[keyword as keyof Schema]];
    if (typeof left === 'number' && typeof right === 'number') joined[keyword] = choose(left, right);
  }
  if (a.type && b.type) joined['type'] = narrower(a.type, b.type);
  if (a.enum && b.enum) joined['enum'] = a.enum.filter((value) => b.enum?.includes(value));
  if (a.items && b.items) joined['items'] = both(a.items, b.items);
  const rules = [...new Set([...(a['x-rules'] ?? []), ...(b['x-rules'] ?? [])])].sort();
  if (rules.length > 0) joined['x-rules'] = rules;
  return joined;
}

/** Of types that contradict each other the first: nothing keeps both. */
const narrower = (a: SchemaType, b: SchemaType): SchemaType => (a === 'number' && b === 'integer' ? b : a);
