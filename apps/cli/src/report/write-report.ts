import { randomUUID } from 'node:crypto';
import { access, constants, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentMQError } from 'agentmq';
import type { AnalysisReport } from './report.js';

/** The report can't be written where it was asked for. */
export class OutputError extends AgentMQError {
  readonly code = 'OUTPUT';

  constructor(output: string, cause: unknown) {
    const { code, message } = cause as NodeJS.ErrnoException;
    super(`${output}: can't be written there: ${problems[code ?? ''] ?? message}`, { cause });
  }
}

const problems: Readonly<Record<string, string>> = {
  EACCES: 'the folder may not be written to',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such folder',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
};

/** Whether a report could be written there, before it is worked for. Rejects with {@link OutputError}. */
export async function checkWritable(path: string): Promise<void> {
  try {
    const known = await stat(path).catch(() => undefined);
    if (known?.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    await access(known && !known.isFile() ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw new OutputError(path, error);
  }
}

/**
 * Writes the report as JSON. The file is replaced at once and as a whole: a reader never sees half of it, and what was
 * there stays if this fails. A path that is a device or a pipe is written to as it is. Rejects with {@link OutputError}.
 */
export async function writeReport(path: string, report: AnalysisReport): Promise<void> {
  const text = `${JSON.stringify(report, undefined, 2)}\n`;
  try {
    const known = await stat(path).catch(() => undefined);
    if (known && !known.isFile()) await writeFile(path, text);
    else await replace(known ? await realpath(path) : path, text);
  } catch (error) {
    throw new OutputError(path, error);
  }
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
