import { DELIVERY_STATES, type DeliveryState } from 'agentmq/message-store';
import { CONSUMER_NAME } from 'agentmq/protocol';
import { InvalidArgumentError } from 'commander';

const moment = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
const MOST_LISTED = 1_000;

/** `order=4711` */
export function key(value: string): { readonly name: string; readonly value: string } {
  const [, name, given] = /^([^=:]+)[=:](.+)$/s.exec(value) ?? [];
  if (name === undefined || given === undefined) throw new InvalidArgumentError('must be <field>=<value>: order=4711');
  return { name, value: given };
}

/** A role or an agent, as deliveries name it. */
export function consumerName(value: string): string {
  if (!CONSUMER_NAME.test(value)) throw new InvalidArgumentError('must be role.<role> or agent.<agent id>');
  return value;
}

/** One more of several. */
export const consumerNames = (value: string, before: readonly string[] = []): string[] => [
  ...before,
  consumerName(value),
];

export function traceId(value: string): string {
  if (!/^[0-9a-f]{32}$/.test(value)) throw new InvalidArgumentError('must be 32 hexadecimal digits in lower case');
  return value;
}

/** Without an offset it is local time; a date alone is its midnight in UTC. */
export function date(value: string): Date {
  const parsed = new Date(value);
  if (!moment.test(value) || Number.isNaN(parsed.getTime())) {
    throw new InvalidArgumentError('must be a date and time as in ISO 8601: 2026-01-31T09:30:00Z');
  }
  return parsed;
}

/** The state of a delivery, or of a message that has not gone out yet. */
export function messageState(value: string): DeliveryState | 'unpublished' {
  return value === 'unpublished' ? value : oneOf(value, [...DELIVERY_STATES, 'unpublished']);
}

/** One more of an option that may be repeated. */
export function states(value: string, before: readonly DeliveryState[] = []): DeliveryState[] {
  return [...before, oneOf(value, DELIVERY_STATES)];
}

function oneOf(value: string, known: readonly string[]): DeliveryState {
  const state = DELIVERY_STATES.find((each) => each === value);
  if (!state) throw new InvalidArgumentError(`must be one of ${known.join(', ')}`);
  return state;
}

export function rate(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number) || number <= 0) throw new InvalidArgumentError('must be above 0');
  return number;
}

export const listLimit = (value: string): number => wholeNumber(1, MOST_LISTED)(value);

/** A whole number from `least` to `most`. */
export const wholeNumber =
  (least: number, most: number) =>
  (value: string): number => {
    const number = Number(value);
    if (value.trim() === '' || !Number.isInteger(number) || number < least || number > most)
      throw new InvalidArgumentError(`must be ${least} to ${most}`);
    return number;
  };

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time in ms: `500ms`, `30s`, `5m`, `2h`, `1d`. */
export function time(value: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) ?? [];
  const ms = Math.round(Number(number) * (UNITS[unit] ?? Number.NaN));
  if (number === '' || !Number.isSafeInteger(ms))
    throw new InvalidArgumentError('must be a time: 500ms, 30s, 5m, 2h, 1d');
  return ms;
}

/** An agent, one of a role, or any that has a capability. */
export function destination(value: string): { role: string } | { agent: string } | { capability: string } {
  const [, kind, name = ''] = /^(role|agent|capability)\.(.+)$/s.exec(value) ?? [];
  if (kind === 'role') return { role: name };
  if (kind === 'agent') return { agent: name };
  if (kind === 'capability') return { capability: name };
  throw new InvalidArgumentError('must be role.<role>, agent.<agent id> or capability.<name>');
}

/** An agent by its id, or as deliveries name it. */
export const agentName = (value: string): string => consumerName(value.startsWith('agent.') ? value : `agent.${value}`);
