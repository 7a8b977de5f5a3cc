import { Transform } from 'class-transformer';
import { CONSUMER_NAME } from 'agentmq/protocol';
import { IsDate, isISO8601, Matches } from 'class-validator';

/** `role.worker` or `agent.worker-1`. */
export const IsConsumer = (): PropertyDecorator =>
  Matches(CONSUMER_NAME, { message: '$property must be role.<role> or agent.<agent id>' });

/** A reason that people can read. */
export const IsNotBlank = (): PropertyDecorator => Matches(/\S/, { message: '$property must not be blank' });

/** `true` or `false` in a query. */
export const Flag = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value));

/** A day or a time in ISO 8601, of the years 1 to 9999, made a Date: of `2026-W01` and `2026-001` none can be made, or a wrong one. */
export const IsTime = (): PropertyDecorator => (target, property) => {
  Transform(({ value }: { value: unknown }) => timeOf(value) ?? value)(target, property);
  IsDate({ message: '$property must be a time such as 2026-01-31T12:00:00Z' })(target, property);
};

function timeOf(value: unknown): Date | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d/.test(value)) return undefined;
  if (!isISO8601(value, { strict: true, strictSeparator: true })) return undefined;
  const time = new Date(value);
  return time >= FIRST && time < END ? time : undefined;
}

const FIRST = new Date('0001-01-01T00:00:00Z');
const END = new Date('+010000-01-01T00:00:00Z');
