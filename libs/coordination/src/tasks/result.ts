import { toWireError, writeResult } from 'agentmq/contracts';
import { InvalidTaskResultError } from './errors.js';

/**
 * A result as JSON; null for none. It is no larger than a message may be, since the next stage of a pipeline gets it in one.
 * Throws {@link InvalidTaskResultError}.
 */
export function encodeResult(taskId: string, value: unknown, maxBytes: number): string | null {
  if (value === undefined) return null;
  let json: string;
  try {
    json = writeResult(value);
  } catch (error) {
    throw new InvalidTaskResultError(taskId, `can't be kept: ${toWireError(error).message}`);
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > maxBytes)
    throw new InvalidTaskResultError(taskId, `has ${bytes} bytes, more than the ${maxBytes} allowed`);
  return json;
}
