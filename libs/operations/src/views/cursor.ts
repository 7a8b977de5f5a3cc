import { InvalidSelectionError } from 'agentmq/database';

/** Texts as the opaque `next` of a page. */
export const cursorOf = (...parts: readonly string[]): string =>
  Buffer.from(JSON.stringify(parts)).toString('base64url');

/** The texts that {@link cursorOf} was given. Throws `InvalidSelectionError` unless it is a cursor of so many. */
export function readCursor(after: string, length: number): string[] {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(after, 'base64url').toString());
  } catch {
    parts = undefined;
  }
  const isCursor = Array.isArray(parts) && parts.length === length && parts.every((part) => typeof part === 'string');
  if (!isCursor) throw new InvalidSelectionError('after', 'is not the next of a page');
  return parts as string[];
}
