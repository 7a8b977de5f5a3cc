import { type AnalysisProgress, type AnalysisSummary, ParseChunk, PartialResult } from 'agentmq/contracts';
import type { Delegation, Part } from 'agentmq/coordination';
import { checkRejectedRows } from './csv/rejected-rows.js';
import type { CsvChunk } from './csv/splitter.js';
import { MergedTable } from './merged-table.js';

/** A table that can be read more than once. */
export interface Table {
  /** What errors call it. */
  readonly name: string;
  /** Its chunks: the same ones each time. */
  chunks(): AsyncIterable<CsvChunk>;
}

export interface AnalysisOptions {
  /** Refuse the table for its first rejected row. */
  readonly strict: boolean;
  readonly onProgress: (progress: AnalysisProgress) => void;
}

/**
 * Has workers parse a table's chunks, and merges what they find. An attempt that comes after one that died finds the chunks
 * that are done: where a chunk begins and ends depends on the table alone. Rejects with `CsvInputError`, `TooManyValuesError`,
 * and as `Delegation.delegate` does.
 */
export async function analyseTable(
  table: Table,
  delegation: Delegation,
  { strict, onProgress }: AnalysisOptions,
): Promise<AnalysisSummary> {
  const merged = new MergedTable();
  const pass = async (number: number, only?: string[]): Promise<void> => {
    /** Of the chunks that are not merged yet. */
    const sizes: number[] = [];
    let [rows, bytes] = [0, 0];
    async function* pieces(): AsyncGenerator<ParseChunk> {
      for await (const chunk of table.chunks()) {
        sizes.push(Buffer.byteLength(chunk.text));
        yield only ? { ...chunk, only } : chunk;
      }
    }
    const merge = (part: Part<PartialResult>): void => {
      if (part.state !== 'completed') return;
      merged.add(part.result);
      if (strict) checkRejectedRows(table.name, merged.counts, strict);
      rows += part.result.rows;
      bytes += sizes.shift() ?? 0;
      onProgress({ pass: number, rows, bytes });
    };
    await delegation.delegate(ParseChunk, pieces(), { answer: PartialResult, onFailure: 'fail-fast', each: merge });
  };
  await pass(1);
  checkRejectedRows(table.name, merged.counts, strict);
  const undecided = merged.recount();
  if (undecided.length > 0) await pass(2, undecided);
  return merged.summary();
}
