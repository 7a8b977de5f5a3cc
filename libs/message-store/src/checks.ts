import { InvalidSelectionError } from 'agentmq/database';

const MAX_LIMIT = 10_000;

/** A whole number of 1 to 10,000. Throws {@link InvalidSelectionError}. */
export function checkLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new InvalidSelectionError('limit', `${limit} is not a whole number of 1 to ${MAX_LIMIT}`);
}

/** A time of 0 ms or more. Throws {@link InvalidSelectionError}, which names the field. */
export function checkMs(field: string, ms: number): number {
  if (ms >= 0 && Number.isFinite(ms)) return ms;
  throw new InvalidSelectionError(field, `${ms} is not a number of ms`);
}
