/** As much of a JSON Schema as an example is made by. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
}

const DEEPEST = 4;

/** A value to begin with: the required properties, or all of them where none is required. It may not be valid yet. */
export function exampleOf(schema: Schema | undefined, depth = 0): unknown {
  if (!schema || depth > DEEPEST) return null;
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum && schema.enum.length > 0) return schema.enum[0];
  const type = typeof schema.type === 'object' ? schema.type[0] : schema.type;
  if (type === 'object' || schema.properties) {
    const names = schema.required?.length ? schema.required : depth === 0 ? Object.keys(schema.properties ?? {}) : [];
    return Object.fromEntries(names.map((name) => [name, exampleOf(schema.properties?.[name], depth + 1)]));
  }
  if (type === 'array') return [];
  if (type === 'string') return '';
  if (type === 'number' || type === 'integer') return schema.minimum ?? 0;
  return type === 'boolean' ? false : null;
}
