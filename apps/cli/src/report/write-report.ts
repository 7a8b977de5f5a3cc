import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { Report } from './report.js';

/**
 * Writes the report as JSON. The file is replaced at once and as a whole: a reader never sees half of it, and what was
 * there stays if this fails. A path that is a device or a pipe is written to as it is. Rejects with Node's own error
 * for a path that can't be written.
 */
export async function writeReport(path: string, report: Report): Promise<void> {
  const text = `${JSON.stringify(report, undefined, 2)}\n`;
  const known = await stat(path).catch(() => undefined);
  if (known && !known.isFile()) return writeFile(path, text);
  return replace(known ? await realpath(path) : path, text);
}

async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
