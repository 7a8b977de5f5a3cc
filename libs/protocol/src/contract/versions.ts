import { shortened } from '../bounds.js';
import { type ContractDefinition, contractKey } from './contract.js';
import { ContractViolationError, type Violation } from '../errors.js';

type Versioned = Pick<ContractDefinition, 'type' | 'version' | 'upcast'>;

/** Whether a receiver with this contract takes payloads of that version: its own, or one that it can upcast. */
export const takesVersion = (
  { version, upcast }: Pick<ContractDefinition, 'version' | 'upcast'>,
  given: number,
): boolean => given === version || (given < version && Object.hasOwn(upcast, given));

/** The versions of its type that a receiver with this contract takes, the lowest first. */
export const versionsTaken = ({ version, upcast }: Pick<ContractDefinition, 'version' | 'upcast'>): number[] => [
  ...Object.keys(upcast).map(Number),
  version,
];

/**
 * The contract that a message of this type and version is read by: the one of that very version, else the lowest above
 * it that can upcast it. Undefined when none takes it.
 */
export function contractTaking<C extends Versioned>(
  contracts: Iterable<C>,
  type: string,
  version: number,
): C | undefined {
  let nearest: C | undefined;
  for (const contract of contracts) {
    if (contract.type !== type || !takesVersion(contract, version)) continue;
    if (contract.version === version) return contract;
    if (nearest === undefined || contract.version < nearest.version) nearest = contract;
  }
  return nearest;
}

/**
 * A JSON value of an older version as one of the contract's own version, which is still to be validated. Throws
 * `ContractViolationError` when the contract does not take the version, and with the reason when an upcaster fails.
 */
export function upcastPayload(contract: ContractDefinition, plain: unknown, version: number): unknown {
  if (version === contract.version) return plain;
  if (!takesVersion(contract, version))
    throw violation(contract, 'isTaken', `${version} is not taken, only ${versionsTaken(contract).join(', ')}`);
  let value: unknown = plain;
  for (let from = version; from < contract.version; from++) {
    try {
      value = contract.upcast[from]?.(value);
      if (typeof value !== 'object' || value === null || value instanceof Promise)
        throw new TypeError('it gave no object');
    } catch (error) {
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      throw violation(
        contract,
        'upcast',
        `${from} can't become ${from + 1}: ${shortened(reason, LONGEST_REASON)}`,
        error,
      );
    }
  }
  return value;
}

const LONGEST_REASON = 500;

const violation = (contract: ContractDefinition, rule: string, message: string, cause?: unknown): Error =>
  new ContractViolationError(
    contractKey(contract),
    [hiddenIn(contract, { field: 'version', rule, message })],
    contract.sensitive ? {} : { cause },
  );

/** What a rule of a sensitive contract says may quote a value: it is told which is broken where, and no more. */
export const hiddenIn = ({ sensitive }: { readonly sensitive?: boolean }, violation: Violation): Violation =>
  sensitive
    ? {
        ...violation,
        ...(ABOUT_ANY_KEY.has(violation.rule) ? { field: 'payload' } : {}),
        message: 'breaks a rule of a sensitive contract',
      }
    : violation;

/** Rules that name keys which no class declares: a key may be a value, as in a table of names. */
const ABOUT_ANY_KEY: ReadonlySet<string> = new Set(['whitelistValidation', 'isJSON']);
