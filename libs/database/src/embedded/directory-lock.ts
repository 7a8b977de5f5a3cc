import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreLockedError } from '../errors.js';

/** Directories that this process holds: its own id in a lock file may also be that of an earlier process (a container's 1). */
const held = new Set<string>();

/**
 * Takes a directory for this process; resolves with the way to give it back. PGlite has no lock of its own, and two
 * processes writing to one directory destroy it. Throws {@link StoreLockedError}. A dead process's lock is taken over.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  // With its parents only if need be: Node then says ENOENT where the file system is read-only.
  await mkdir(directory).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') await mkdir(directory, { recursive: true });
    else if (error.code !== 'EEXIST') throw error;
  });
  const file = join(directory, 'lock');
  for (;;) {
    if (held.has(directory)) throw new StoreLockedError(directory, process.pid);
    try {
      const handle = await open(file, 'wx');
      held.add(directory);
      await handle.writeFile(String(process.pid));
      await handle.close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const pid = Number(await readFile(file, 'utf8').catch(() => '0'));
      if (pid !== process.pid && isAlive(pid)) throw new StoreLockedError(directory, pid);
      await rm(file, { force: true });
    }
  }
  return async () => {
    await rm(file, { force: true });
    held.delete(directory);
  };
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
