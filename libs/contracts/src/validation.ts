import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { type ContractDefinition, contractKey } from './contract.js';
import { ContractViolationError, type Violation } from './errors.js';

/**
 * The payload as an instance of its contract's class, checked by its class-validator rules.
 * Unknown properties are refused, so that a misspelt field is an error and not a silent loss.
 * Throws {@link ContractViolationError} with every violation.
 */
export function validatePayload<P extends object>(contract: ContractDefinition<P>, plain: unknown): P {
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    throw new ContractViolationError(contractKey(contract), [
      { field: 'payload', rule: 'isObject', message: 'payload must be a JSON object' },
    ]);
  }
  const instance = plain instanceof contract.payload ? plain : instanceOf(contract, plain);
  const errors = validateSync(instance, {
    whitelist: true,
    forbidNonWhitelisted: true,
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
