import { shortened } from '../bounds.js';
import { keysOf, type MessageKeys } from '../contract/keys.js';
import { type ContractDefinition, contractKey, contractOfInstance, type PayloadClass } from '../contract/contract.js';
import { ContractViolationError, type Violation } from '../errors.js';
import { jsonForm, NoJsonFormError } from './json-form.js';
import { LONGEST_TEXT } from './limits.js';
import { PayloadReader } from './read.js';
import { hiddenIn, upcastPayload } from '../contract/versions.js';

/**
 * What a receiver makes of a JSON value: an instance of the contract's class, checked by its class-validator rules. A
 * value of an older version is upcast first. Properties that the class does not have are dropped: a newer sender may
 * have them. Throws {@link ContractViolationError} with the first violations.
 */
export function readPayload<P extends object>(
  contract: ContractDefinition<P>,
  plain: unknown,
  version: number = contract.version,
): P {
  return read(contract, upcastPayload(contract, plain, version), false);
}

/**
 * As {@link readPayload}, but properties that the class does not have are refused: on the sending side a misspelt field
 * is an error and not a silent loss. Of an older version the properties are not known, so none is refused. What JSON has no
 * form for is refused too, and so is what is too much to be sent.
 */
export function validatePayload<P extends object>(
  contract: ContractDefinition<P>,
  plain: unknown,
  version: number = contract.version,
): P {
  const form = jsonFormOf(contract, plain);
  return read(contract, upcastPayload(contract, form, version), version === contract.version);
}

/**
 * A payload as it is sent: JSON of what was given, which was read as its receiver is going to read it. Throws
 * {@link ContractViolationError}.
 */
export function writePayload<P extends object>(contract: ContractDefinition<P>, payload: P): string {
  return writeKeyed(contract, payload).text;
}

/** As {@link writePayload}, with the payload's keys, if it has any. */
export function writeKeyed<P extends object>(
  contract: ContractDefinition<P>,
  payload: P,
): { readonly text: string; readonly keys: MessageKeys | undefined } {
  const form = jsonFormOf(contract, payload);
  read(contract, form, true);
  return { text: JSON.stringify(form), keys: keysOf(contract, form) };
}

/**
 * What a handler returned, as JSON. An instance of a contract's class is written as a payload; of anything else it is an error
 * that JSON would change it in silence, or that no receiver would take it. Throws {@link ContractViolationError}, or
 * `NoJsonFormError` for a value that JSON has no form for.
 */
export function writeResult(value: unknown): string {
  const contract = contractOfInstance(value);
  return contract ? writePayload(contract, value as object) : JSON.stringify(jsonForm(value));
}

/**
 * As {@link validatePayload}, by the rules of a class that is no message's, such as the body of an HTTP request. Throws
 * {@link ContractViolationError} that names the class.
 */
export function validateAs<P extends object>(type: PayloadClass<P>, plain: unknown): P {
  const named = { type: type.name, payload: type };
  return read(named, jsonFormOf(named, plain), true);
}

/** A contract, or a class that is none. */
interface Named {
  readonly type: string;
  readonly version?: number;
  readonly sensitive?: boolean;
}

/** A value as JSON has it, in bounds. Throws {@link ContractViolationError}. */
export function jsonFormOf(named: Named, value: unknown): unknown {
  try {
    return jsonForm(value);
  } catch (error) {
    // of a toJSON or a getter of the payload's own
    const { field, problem } =
      error instanceof NoJsonFormError ? error : { field: 'payload', problem: `can't be read: ${String(error)}` };
    const name = shortened(field, LONGEST_TEXT);
    throw violated(named, {
      field: name,
      rule: 'isJSON',
      message: shortened(`${name} ${problem}`, 2 * LONGEST_TEXT),
    });
  }
}

function read<P extends object>(
  named: Named & { readonly payload: PayloadClass<P> },
  plain: unknown,
  strict: boolean,
): P {
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    throw violated(named, { field: 'payload', rule: 'isObject', message: 'payload must be a JSON object' });
  }
  const reader = new PayloadReader(strict);
  const instance = reader.read(named.payload, plain);
  if (instance === undefined) throw violated(named, ...reader.violations);
  return instance;
}

const violated = (named: Named, ...violations: readonly Violation[]): ContractViolationError => {
  const { type, version } = named;
  return new ContractViolationError(
    version === undefined ? type : contractKey({ type, version }),
    violations.map((violation) => hiddenIn(named, violation)),
  );
};
