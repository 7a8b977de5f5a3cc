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
