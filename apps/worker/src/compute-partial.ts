import { type ParseChunk, PartialResult } from 'agentmq/contracts';
import { columnPart } from './column-part.js';
import { parseChunk } from './parse-chunk.js';

/** Parses a chunk, and computes the statistics of its columns. */
export function computePartial(chunk: ParseChunk): PartialResult {
  const { columns, only } = chunk;
  const { rows, rejected } = parseChunk(chunk, columns.length);
  const asked = new Set(only ?? columns);
  const parts = columns.flatMap((name, i) => (asked.has(name) ? [columnPart(name, rows, i, only !== undefined)] : []));
  return Object.assign(new PartialResult(), { rows: rows.length, columns: parts, rejected });
}
