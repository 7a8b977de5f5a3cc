import { checkHeaders, InvalidMessageError, type WireMessage } from 'agentmq/protocol';
import type { FlowOptions } from './broker.js';
import { BrokerOptionsError, MessageTooLargeError } from './errors.js';

/** A copy of a foreign message may have more than we would send. Clients end a connection at 64 KiB. */
const MAX_WIRE_HEADER_BYTES = 60 * 1024;
const LONGEST_EXPIRATION_MS = 0xffff_ffff;

/** Throws `MessageTooLargeError`, or `InvalidMessageError` for an expiration or a header that no broker takes. */
export function checkMessage({ properties, body }: WireMessage, maxBytes: number): void {
  if (body.length > maxBytes) throw new MessageTooLargeError(body.length, maxBytes);
  const { expiration, headers } = properties;
  if (expiration !== undefined && !isWhole(expiration, 0, LONGEST_EXPIRATION_MS)) {
    throw new InvalidMessageError('expiration', `${expiration} is not a whole number of ms from 0 to 4294967295`);
  }
  checkHeaders(headers, MAX_WIRE_HEADER_BYTES);
}

/** Throws `BrokerOptionsError`; resolves `concurrency` to what it is by default. */
export function checkFlow({ prefetch, concurrency = prefetch }: FlowOptions): Required<FlowOptions> {
  const problems = [...notWhole('prefetch', prefetch, 0xffff), ...notWhole('concurrency', concurrency, 0xffff)];
  if (problems.length > 0) throw new BrokerOptionsError(problems);
  return { prefetch, concurrency };
}

export const isWhole = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;

/** What is wrong with an option that is to be a whole number from 1 on: nothing, or one text. */
export const notWhole = (name: string, value: number, most: number): string[] =>
  isWhole(value, 1, most) ? [] : [`${name}: ${value} is not a whole number from 1 to ${most}`];
