import { constants, openSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { CsvInputError } from './errors.js';
import { splitRecords } from './split-records.js';
import { SpoolError, spool } from './spool.js';
import { type CsvChunk, CsvSplitter } from './splitter.js';

/** Names the standard input. */
const STDIN = '-';
const READ_BYTES = 128 * 1024;

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'is a directory',
  EACCES: 'may not be read',
  EPERM: 'may not be read',
  ENXIO: `can't be opened as a file; "${STDIN}" is the standard input`,
};

/** How a file was when it was opened: what is read later has to be the same. */
interface Version {
  readonly size: number;
  readonly mtimeMs: number;
}

/**
 * A CSV file that is opened once and can be read several times. What can be read only once (a pipe, a terminal, the standard
 * input) is copied into a temporary file first. A file that is renamed or deleted meanwhile is read to its end all the same.
 */
export class CsvFile {
  private constructor(
    /** As it was given: what errors call the input. */
    readonly name: string,
    private readonly handle: FileHandle,
    private readonly version: Version,
  ) {}

  /** Resolves once the first rows were found. Rejects with {@link CsvInputError}. Close it. */
  static async open(name: string): Promise<CsvFile> {
    const handle = await named(name, () => (name === STDIN ? copied(name, process.stdin) : openedFile(name)));
    try {
      const file = new CsvFile(name, handle, await handle.stat());
      for await (const _ of file.chunks()) break;
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get size(): number {
    return this.version.size;
  }

  /**
   * Splits the file from its beginning, as little ahead as possible. Throws {@link CsvInputError}: what `CsvSplitter` throws, and
   * for a file that can't be read, or was changed since it was opened.
   */
  chunks(): AsyncGenerator<CsvChunk, void, undefined> {
    return splitRecords(this.bytes(), { file: this.name });
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  private async *bytes(): AsyncGenerator<Buffer, void, undefined> {
    await this.throwIfChanged();
    for (let position = 0; ;) {
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      const { bytesRead } = await named(this.name, () => this.handle.read(buffer, 0, READ_BYTES, position));
      if (bytesRead === 0) break;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    await this.throwIfChanged();
  }

  private async throwIfChanged(): Promise<void> {
    const { size, mtimeMs } = await this.handle.stat();
    if (size !== this.version.size || mtimeMs !== this.version.mtimeMs)
      throw new CsvInputError(this.name, undefined, 'was changed while it was read');
  }
}

/** A regular file as it is, anything else as a copy. */
async function openedFile(path: string): Promise<FileHandle> {
  const stats = await stat(path);
  if (stats.isDirectory()) throw new CsvInputError(path, undefined, 'is a directory');
  if (stats.isFIFO()) {
    // Opened in any other way, a pipe that nothing writes to blocks a thread, and with it the end of the process.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return copied(path, new Socket({ fd, readable: true, writable: false }));
  }
  const handle = await open(path);
  // Files that the system makes up as they are read have no size.
  return stats.isFile() && stats.size > 0 ? handle : copied(path, handle.createReadStream());
}

/** Of what is no CSV text the beginning is enough: it is not copied. */
async function copied(name: string, bytes: Readable): Promise<FileHandle> {
  const splitter = new CsvSplitter({ file: name });
  let begun = false;
  try {
    return await spool(bytes, (piece) => {
      begun ||= splitter.push(Buffer.from(piece)).length > 0;
    });
  } finally {
    bytes.destroy();
  }
}

async function named<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CsvInputError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const problem = error instanceof SpoolError ? message : (problems[code ?? ''] ?? `can't be read (${message})`);
    throw new CsvInputError(name, undefined, problem, { cause: error });
  }
}
