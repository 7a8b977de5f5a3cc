import { createReadStream } from 'node:fs';
import { CsvInputError } from './errors.js';
import { type CsvChunk, CsvSplitter, type SplitOptions } from './splitter.js';

/** Splits a stream of CSV bytes into chunks as they are asked for. Throws what {@link CsvSplitter} throws. */
export async function* splitRecords(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: SplitOptions,
): AsyncGenerator<CsvChunk, void, undefined> {
  const splitter = new CsvSplitter(options);
  for await (const piece of bytes) {
    yield* splitter.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
  }
  yield* splitter.end();
}

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'is a directory',
  EACCES: 'may not be read',
  EPERM: 'may not be read',
};

/**
 * Splits a file; each iteration reads it anew, as little ahead as possible. Throws what {@link CsvSplitter} throws, and
 * {@link CsvInputError} for a file that is missing or can't be read.
 */
export function openCsv(path: string, options: Partial<SplitOptions> = {}): AsyncGenerator<CsvChunk, void, undefined> {
  return splitRecords(bytesOf(path, options.file ?? path), { file: path, ...options });
}

async function* bytesOf(path: string, file: string): AsyncGenerator<Buffer, void, undefined> {
  const stream = createReadStream(path, { highWaterMark: 128 * 1024 });
  try {
    for await (const piece of stream) yield piece as Buffer;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CsvInputError(file, undefined, problems[code ?? ''] ?? `can't be read (${message})`, { cause: error });
  } finally {
    stream.destroy();
  }
}
