import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { shortened } from '../bounds.js';
import { contractKey } from '../contract/contract.js';
import { hiddenIn } from '../contract/versions.js';
import { ContractViolationError, type Violation } from '../errors.js';
import { LONGEST_TEXT, MAX_VIOLATIONS } from '../payload/limits.js';
import { jsonFormOf } from '../payload/validation.js';
import type { Schema } from './schema.js';

/** A contract as it is known where its class is not. */
export interface DescribedContract {
  readonly type: string;
  readonly version: number;
  readonly sensitive: boolean;
  readonly schema: Schema;
}

/** Writes payloads of a contract for a sender that has its JSON Schema and not its class. */
export class PayloadSchema {
  private constructor(
    readonly contract: DescribedContract,
    private readonly validate: ValidateFunction,
  ) {}

  /** The validator is compiled, which takes some ms; the library that does it is loaded with the first one. */
  static async of(contract: DescribedContract): Promise<PayloadSchema> {
    const { Ajv2020 } = await import('ajv/dist/2020.js');
    const ajv = new Ajv2020({
      allErrors: true,
      ownProperties: true,
      // `pattern` is a JavaScript expression without flags
      unicodeRegExp: false,
      validateFormats: false,
      strict: false,
      meta: false,
      validateSchema: false,
    });
    return new PayloadSchema(contract, ajv.compile(closed(contract.schema)));
  }

  /**
   * A payload as JSON. Throws `ContractViolationError` with the first violations; a field that the contract does not have is
   * one. Rules that JSON Schema has no word for are left to the receiver.
   */
  write(payload: unknown): string {
    const { contract, validate } = this;
    const form = jsonFormOf(contract, payload);
    if (validate(form)) return JSON.stringify(form);
    const violations = (validate.errors ?? []).filter(isTold).slice(0, MAX_VIOLATIONS).map(violationOf);
    throw new ContractViolationError(
      contractKey(contract),
      violations.map((violation) => hiddenIn(contract, violation)),
    );
  }
}

/** With unknown fields refused; and without what a receiver decides otherwise, or in less time than this would take. */
function closed({ oneOf, uniqueItems, anyOf, ...schema }: Schema): object {
  // which variant it is, is told by a field that the schema does not name
  if (oneOf) return { type: 'object' };
  const { items, properties, $defs } = schema;
  return {
    ...schema,
    ...(uniqueItems && isScalar(items) ? { uniqueItems } : {}),
    ...(anyOf ? { anyOf: [closed(anyOf[0]), anyOf[1]] } : {}),
    ...(items ? { items: closed(items) } : {}),
    ...(properties ? { properties: closedEach(properties), additionalProperties: false } : {}),
    ...($defs ? { $defs: closedEach($defs) } : {}),
  };
}

const closedEach = (schemas: Readonly<Record<string, Schema>>): Record<string, object> =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, closed(schema)]));

/** Items that are compared in linear time. */
const isScalar = (items: Schema | undefined): boolean =>
  items?.type !== undefined && items.type !== 'object' && items.type !== 'array';

/** Of what may be null as well it is told why it is no value, not that it is not null. */
const isTold = ({ keyword, schemaPath }: ErrorObject): boolean =>
  keyword !== 'anyOf' && !schemaPath.includes('/anyOf/1/');

function violationOf({ instancePath, keyword, params, message = '' }: ErrorObject): Violation {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const { missingProperty, additionalProperty, allowedValues } = params as Readonly<Record<string, unknown>>;
  if (typeof missingProperty === 'string') path.push(missingProperty);
  if (typeof additionalProperty === 'string') path.push(additionalProperty);
  const problem: Record<string, string> = {
    required: 'is missing',
    additionalProperties: 'should not exist',
    enum: `must be one of ${JSON.stringify(allowedValues)}`,
  };
  return {
    field: shortened(path.join('.') || 'payload', LONGEST_TEXT),
    rule: keyword === 'additionalProperties' ? 'whitelistValidation' : keyword,
    message: shortened(`${path.at(-1) ?? 'payload'} ${problem[keyword] ?? message}`, LONGEST_TEXT),
  };
}
