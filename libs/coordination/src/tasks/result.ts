import { toWireError, writeResult } from 'agentmq/protocol';
import { sealedWith } from 'agentmq/messaging';
import { InvalidTaskResultError } from './errors.js';
import type { ResultView, TaskWithResult } from './task.js';
import { isSealedText } from './task-sealing.js';

/** A task with its result as it is on record: JSON, or sealed. */
export type TaskRow = Omit<TaskWithResult, keyof ResultView> & { readonly result: string | null };

/** A result as JSON; null for none. Throws {@link InvalidTaskResultError}. */
export function encodeResult(taskId: string, value: unknown): string | null {
  if (value === undefined) return null;
  try {
    return writeResult(value);
  } catch (error) {
    throw new InvalidTaskResultError(taskId, `can't be kept: ${toWireError(error).message}`);
  }
}

/** A result, as JSON or sealed, has at most `maxBytes`. Throws {@link InvalidTaskResultError}. */
export function checkResultSize(taskId: string, result: string | null, maxBytes: number): void {
  const bytes = Buffer.byteLength(result ?? '');
  if (bytes > maxBytes)
    throw new InvalidTaskResultError(taskId, `has ${bytes} bytes, more than the ${maxBytes} allowed`);
}

/** What is shown of a result on record. */
export function resultView(result: string | null): ResultView {
  if (result === null) return {};
  return isSealedText(result) ? { resultHidden: sealedWith(result) } : { result: JSON.parse(result) as unknown };
}

/** A task as it is on record, as it is shown. */
export const taskView = ({ result, ...task }: TaskRow): TaskWithResult => ({ ...task, ...resultView(result) });
