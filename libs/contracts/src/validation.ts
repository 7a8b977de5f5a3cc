import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { type ContractDefinition, contractKey } from './contract.js';
import { ContractViolationError, type Violation } from './errors.js';
import { upcastPayload } from './versions.js';

/**
 * What a receiver makes of a JSON value: an instance of the contract's class, checked by its class-validator rules. A
 * value of an older version is upcast first. Properties that the class does not have are dropped: a newer sender may
 * have them. Throws {@link ContractViolationError}.
 */
export function readPayload<P extends object>(
  contract: ContractDefinition<P>,
  plain: unknown,
  version: number = contract.version,
): P {
  return validated(contract, upcastPayload(contract, plain, version), false);
}

/**
 * As {@link readPayload}, but properties that the class does not have are refused: on the sending side a misspelt field
 * is an error and not a silent loss. Of an older version the properties are not known, so none is refused.
 */
export function validatePayload<P extends object>(
  contract: ContractDefinition<P>,
  plain: unknown,
  version: number = contract.version,
): P {
  return validated(contract, upcastPayload(contract, plain, version), version === contract.version);
}

/** A payload as it is sent: JSON. Throws {@link ContractViolationError}. */
export function writePayload<P extends object>(contract: ContractDefinition<P>, payload: P): string {
  validatePayload(contract, payload);
  try {
    return JSON.stringify(payload);
  } catch (error) {
    throw new ContractViolationError(contractKey(contract), [
      { field: 'payload', rule: 'isJSON', message: error instanceof Error ? error.message : String(error) },
    ]);
  }
}

function validated<P extends object>(contract: ContractDefinition<P>, plain: unknown, strict: boolean): P {
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    throw new ContractViolationError(contractKey(contract), [
      { field: 'payload', rule: 'isObject', message: 'payload must be a JSON object' },
    ]);
  }
  const instance = plain instanceof contract.payload ? plain : instanceOf(contract, plain);
  const errors = validateSync(instance, {
    whitelist: true,
    forbidNonWhitelisted: strict,
    forbidUnknownValues: false,
    validationError: { target: false, value: false },
  });
  if (errors.length > 0) throw new ContractViolationError(contractKey(contract), violationsOf(errors));
  return instance;
}

/** class-transformer fails in ways of its own on some JSON: `{"constructor":1}`, or very deep nesting. */
function instanceOf<P extends object>(contract: ContractDefinition<P>, plain: object): P {
  try {
    return plainToInstance(contract.payload as new () => P, plain);
  } catch (error) {
    const message = error instanceof Error ? error.message : 'can not be read';
    throw new ContractViolationError(contractKey(contract), [{ field: 'payload', rule: 'isPlainJson', message }]);
  }
}

function violationsOf(errors: readonly ValidationError[], path = ''): Violation[] {
  return errors.flatMap((error) => {
    const field = path + error.property;
    const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({ field, rule, message }));
    return [...own, ...violationsOf(error.children ?? [], `${field}.`)];
  });
}
