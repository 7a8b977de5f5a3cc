import 'reflect-metadata';
import { InvalidMessageError, NotAContractError } from '../errors.js';
import { checkDeclaration } from '../payload/declaration.js';
import { checkKeys } from './keys.js';
import type { RetryOptions } from './retry.js';

/** A payload class. */
export type PayloadClass<P extends object = object> = new (...args: never[]) => P;

/**
 * Makes the payload of the next version from that of a version: JSON values both. It may change what it is given. What
 * it throws ends the message as dead, with the reason.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- the form of an old version is known to its author alone
export type Upcaster = (old: any) => object;

export interface ContractOptions {
  /** The message's type on the wire, e.g. `price_quote`. */
  readonly type: string;
  /** 1 unless given. */
  readonly version?: number;
  /**
   * Older versions that a receiver with this class takes as well: `1` makes the payload of version 2 from that of version
   * 1, `2` that of version 3, and so on up to this one. What comes out is validated as a payload of this version.
   */
  readonly upcast?: Readonly<Record<number, Upcaster>>;
  /**
   * Whether messages are stored before they are sent. Unless given: `send` and `publish` are stored, `request` and
   * `broadcast` are not.
   */
  readonly durable?: boolean;
  /** The payload never appears in logs, errors or pages. */
  readonly sensitive?: boolean;
  /**
   * Fields by whose values operators find stored messages, such as `['order']`: at most 8 of the payload's own, each a string
   * of at most 200 characters, a number or a boolean. They are stored in clear, so a sensitive contract can have none.
   */
  readonly keys?: readonly string[];
  /** Handlers write in the transaction that records the completion, unless they say otherwise. */
  readonly transactional?: boolean;
  /** How failed messages are tried again, unless their handler says otherwise; the settings' policy completes it. */
  readonly retry?: RetryOptions;
}

/** A message type, its version, its payload class, and how its messages are treated. */
export interface ContractDefinition<P extends object = object> {
  readonly type: string;
  readonly version: number;
  /** By the version that each takes; without a gap up to this contract's own. */
  readonly upcast: Readonly<Record<number, Upcaster>>;
  readonly durable?: boolean;
  readonly sensitive: boolean;
  /** Names of fields by whose values operators find messages. */
  readonly keys: readonly string[];
  readonly transactional: boolean;
  readonly retry: RetryOptions;
  readonly payload: PayloadClass<P>;
}

const CONTRACT = Symbol('agentmq:contract');
const typeName = /^[A-Za-z0-9_.:-]{1,128}$/;

/**
 * Declares a class-validator class as a message contract.
 * Throws {@link InvalidMessageError} at load for a type that is not 1-128 letters, digits, `_.:-`, a version below 1, or
 * `upcast` for versions that are not below it, or with a gap, and for `keys` that are no fields to search by; and
 * `ContractDeclarationError` for a property that can't work over JSON.
 */
export function Contract(options: ContractOptions): ClassDecorator {
  const { type, version = 1, upcast = {}, durable, sensitive = false, keys = [] } = options;
  const { transactional = false, retry = {} } = options;
  if (!typeName.test(type)) throw new InvalidMessageError('type', `"${type}" is not a contract name`);
  if (!Number.isInteger(version) || version < 1)
    throw new InvalidMessageError('version', `${version} is not 1 or more`);
  checkUpcast(version, upcast);
  return (target) => {
    checkDeclaration(target);
    checkKeys(target, keys, sensitive);
    const definition: ContractDefinition = {
      type,
      version,
      upcast,
      sensitive,
      keys,
      transactional,
      retry,
      payload: target as unknown as PayloadClass,
      ...(durable === undefined ? {} : { durable }),
    };
    Reflect.defineMetadata(CONTRACT, definition, target);
  };
}

/** The contract that a class was declared with (a subclass has none of its own). Throws {@link NotAContractError}. */
export function contractOf<P extends object>(payload: PayloadClass<P>): ContractDefinition<P> {
  // A caller without types may give anything.
  if (typeof payload !== 'function') throw new NotAContractError(String(payload));
  const definition = Reflect.getOwnMetadata(CONTRACT, payload) as ContractDefinition<P> | undefined;
  if (!definition) throw new NotAContractError(payload.name);
  return definition;
}

/** The contract of the class that a value is an instance of, if that was declared as one. */
export function contractOfInstance(value: unknown): ContractDefinition | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { constructor } = value;
  if (typeof constructor !== 'function') return undefined;
  return Reflect.getOwnMetadata(CONTRACT, constructor) as ContractDefinition | undefined;
}

function checkUpcast(version: number, upcast: Readonly<Record<number, Upcaster>>): void {
  const froms = Object.keys(upcast);
  const first = version - froms.length;
  froms.forEach((from, index) => {
    const field = `upcast.${from}`;
    const number = Number(from);
    if (!Number.isInteger(number) || number < 1 || number >= version)
      throw new InvalidMessageError(field, `is not for a version from 1 to ${version - 1}`);
    if (typeof upcast[number] !== 'function') throw new InvalidMessageError(field, 'is not a function');
    if (number !== first + index)
      throw new InvalidMessageError(`upcast.${first + index}`, 'is missing: each version becomes the next one');
  });
}

/** `price_quote@1`: a contract's key. */
export const contractKey = (contract: { readonly type: string; readonly version: number }): string =>
  `${contract.type}@${contract.version}`;
