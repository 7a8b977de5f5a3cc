import { closeSync, openSync, readSync } from 'node:fs';

/** Settings and secrets are short: the limit keeps the cost of any file, and of parsing it, far below a second. */
const MOST_BYTES = 65_536;

/** The text of a small file, or what is wrong with the file. Also reads pipes and devices, whose size is not known before. */
export function readSmallFile(path: string): { readonly text: string } | { readonly problem: string } {
  const buffer = Buffer.alloc(MOST_BYTES + 1);
  let length = 0;
  try {
    const file = openSync(path, 'r');
    try {
      for (let read = -1; read !== 0 && length < buffer.length; length += read)
        read = readSync(file, buffer, length, buffer.length - length, null);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    return { problem: REASONS[code] ?? `cannot be read (${code})` };
  }
  if (length > MOST_BYTES) return { problem: `is too large: at most ${MOST_BYTES / 1_024} KiB` };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length)) };
  } catch {
    return { problem: 'is no UTF-8 text' };
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'cannot be read: permission denied',
  EISDIR: 'is a directory',
};
