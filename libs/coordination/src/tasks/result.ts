import { toWireError } from 'agentmq/contracts';
import { InvalidTaskResultError } from './errors.js';

/**
 * A result as JSON; null for none. It is no larger than a message may be, since the next stage of a pipeline gets it in one.
 * Throws {@link InvalidTaskResultError}.
 */
export function encodeResult(taskId: string, value: unknown, maxBytes: number): string | null {
  if (value === undefined) return null;
  let json: unknown;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    throw new InvalidTaskResultError(taskId, `has no form in JSON: ${toWireError(error).message}`);
  }
  // of functions and symbols
  if (typeof json !== 'string') throw new InvalidTaskResultError(taskId, 'has no form in JSON');
  const bytes = Buffer.byteLength(json);
  if (bytes > maxBytes)
    throw new InvalidTaskResultError(taskId, `has ${bytes} bytes, more than the ${maxBytes} allowed`);
  return json;
}
