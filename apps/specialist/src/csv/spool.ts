import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** More is to be saved in a file first: this one has no name under which its user could find and remove it. */
const SPOOL_LIMIT = 8 * 1024 ** 3;

/** What went wrong with the copy, not with what is copied. */
export class SpoolError extends Error {}

/**
 * Copies a stream into a temporary file, so that it can be read more than once. The file has no name any more when this
 * resolves: it goes with the handle, however the process ends. Rejects with {@link SpoolError} when it can't be written, and
 * with the stream's error.
 */
export async function spool(
  bytes: AsyncIterable<Uint8Array>,
  look: (piece: Uint8Array) => void,
  limit = SPOOL_LIMIT,
): Promise<FileHandle> {
  const path = join(tmpdir(), `agentmq-input-${randomUUID()}`);
  const handle = await writing(() => open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600));
  try {
    await writing(() => rm(path));
    let length = 0;
    for await (const piece of bytes) {
      look(piece);
      length += piece.byteLength;
      if (length > limit) throw new SpoolError(`is longer than ${limit} bytes: save it in a file`);
      await writing(() => handle.appendFile(piece));
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function writing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { message } = error as NodeJS.ErrnoException;
    throw new SpoolError(`can't be copied to ${tmpdir()}, to be read twice (${message})`, { cause: error });
  }
}
