import { InvalidSelectionError } from 'agentmq/database';
import { isExactTime } from './exact-time.js';
import type { ReplayCursor } from './replay-selection.js';

/** A delivery's place in the order of replay. `storedAt` in RFC 3339 with microseconds, as a Date has only ms. */
export interface Place {
  readonly storedAt: string;
  readonly messageId: string;
  readonly consumer: string;
}

export const writeCursor = ({ storedAt, messageId, consumer }: Place): ReplayCursor =>
  Buffer.from(JSON.stringify([storedAt, messageId, consumer])).toString('base64url');

/** Throws {@link InvalidSelectionError} for what `writeCursor` did not write. */
export function readCursor(cursor: ReplayCursor): Place {
  const parts = parse(cursor);
  if (Array.isArray(parts) && parts.length === 3) {
    const [storedAt, messageId, consumer] = parts as unknown[];
    if (
      typeof storedAt === 'string' &&
      isExactTime(storedAt) &&
      typeof messageId === 'string' &&
      typeof consumer === 'string'
    ) {
      return { storedAt, messageId, consumer };
    }
  }
  throw new InvalidSelectionError('after', 'is not a cursor that a replay gave');
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
