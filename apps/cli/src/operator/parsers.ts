import { InvalidArgumentError } from 'commander';

const STATES = ['pending', 'processing', 'retrying', 'completed', 'dead', 'expired'] as const;
type State = (typeof STATES)[number];

const consumer = /^(role|agent)\.[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const moment = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
const MOST_LISTED = 1_000;

/** A role or an agent, as deliveries name it. */
export function consumerName(value: string): string {
  if (!consumer.test(value)) throw new InvalidArgumentError('must be role.<role> or agent.<agent id>');
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

/** One more of an option that may be repeated. */
export function states(value: string, before: readonly State[] = []): State[] {
  const state = STATES.find((each) => each === value);
  if (!state) throw new InvalidArgumentError(`must be one of ${STATES.join(', ')}`);
  return [...before, state];
}

export function rate(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number) || number <= 0) throw new InvalidArgumentError('must be above 0');
  return number;
}

export function listLimit(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > MOST_LISTED) {
    throw new InvalidArgumentError(`must be 1 to ${MOST_LISTED}`);
  }
  return number;
}
