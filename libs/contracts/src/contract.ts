import 'reflect-metadata';
import { InvalidMessageError, NotAContractError } from './errors.js';
import type { RetryOptions } from './retry.js';

/** A payload class. */
export type PayloadClass<P extends object = object> = new (...args: never[]) => P;

export interface ContractOptions {
  /** The message's type on the wire, e.g. `work_assignment`. */
  readonly type: string;
  /** 1 unless given. */
  readonly version?: number;
  /**
   * Whether messages are stored before they are sent. Unless given: `send` and `publish` are stored, `request` and
   * `broadcast` are not.
   */
  readonly durable?: boolean;
  /** The payload never appears in logs, errors or pages. */
  readonly sensitive?: boolean;
  /** Handlers write in the transaction that records the completion, unless they say otherwise. */
  readonly transactional?: boolean;
  /** How failed messages are tried again, unless their handler says otherwise; the settings' policy completes it. */
  readonly retry?: RetryOptions;
}

/** A message type, its version, its payload class, and how its messages are treated. */
export interface ContractDefinition<P extends object = object> {
  readonly type: string;
  readonly version: number;
  readonly durable?: boolean;
  readonly sensitive: boolean;
  readonly transactional: boolean;
  readonly retry: RetryOptions;
  readonly payload: PayloadClass<P>;
}

const CONTRACT = Symbol('agentmq:contract');
const typeName = /^[A-Za-z0-9_.:-]{1,128}$/;

/**
 * Declares a class-validator class as a message contract.
 * Throws {@link InvalidMessageError} at load for a type that is not 1-128 letters, digits, `_.:-`, or a version below 1.
 */
export function Contract(options: ContractOptions): ClassDecorator {
  const version = options.version ?? 1;
  if (!typeName.test(options.type)) throw new InvalidMessageError('type', `"${options.type}" is not a contract name`);
  if (!Number.isInteger(version) || version < 1)
    throw new InvalidMessageError('version', `${version} is not 1 or more`);
  return (target) => {
    const definition: Omit<ContractDefinition, 'payload'> = {
      type: options.type,
      version,
      sensitive: options.sensitive ?? false,
      transactional: options.transactional ?? false,
      retry: options.retry ?? {},
      ...(options.durable === undefined ? {} : { durable: options.durable }),
    };
    Reflect.defineMetadata(CONTRACT, definition, target);
  };
}

/** The contract that a class was declared with (a subclass has none of its own). Throws {@link NotAContractError}. */
export function contractOf<P extends object>(payload: PayloadClass<P>): ContractDefinition<P> {
  // whoever has no types may give anything
  if (typeof payload !== 'function') throw new NotAContractError(String(payload));
  const definition = Reflect.getOwnMetadata(CONTRACT, payload) as Omit<ContractDefinition<P>, 'payload'> | undefined;
  if (!definition) throw new NotAContractError(payload.name);
  return { ...definition, payload };
}

/** `work_assignment@1`: a contract's key. */
export const contractKey = (contract: { readonly type: string; readonly version: number }): string =>
  `${contract.type}@${contract.version}`;
