/**
 * The part of JSON Schema (draft 2020-12) that describes a payload as its class-validator rules do. Objects are open: a
 * receiver drops what it does not know.
 */
export interface Schema {
  readonly $ref?: string;
  readonly type?: SchemaType;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly uniqueItems?: boolean;
  readonly pattern?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** A schema and `{"type": "null"}`: what `null` is as good as. */
  readonly anyOf?: readonly [Schema, { readonly type: 'null' }];
  /** The classes of a class-transformer discriminator, each titled with its name. */
  readonly oneOf?: readonly (Schema & { readonly title: string })[];
  /** Rules that JSON Schema has no word for: the name of each, and what it was given. */
  readonly 'x-rules'?: readonly string[];
  readonly $defs?: Readonly<Record<string, Schema>>;
}

export type SchemaType = 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array';

/** A contract in the file: its payload, and the older versions that its receivers take too. */
export interface ContractSchema extends Schema {
  readonly 'x-takes'?: readonly number[];
  /** Its messages are sealed. */
  readonly 'x-sensitive'?: true;
}

/** What `agentmq contracts` keeps in a file: the contracts by their keys, `quote_request@1`. */
export interface ContractsFile {
  readonly $schema: string;
  readonly contracts: Readonly<Record<string, ContractSchema>>;
}

/** What a `$ref` stands for. */
export function resolved(schema: Schema, root: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const found = root.$defs?.[schema.$ref.slice('#/$defs/'.length)];
  if (!found) throw new TypeError(`the schema refers to ${schema.$ref}, which it does not have`);
  return found;
}
