import { PartialResult, type WorkAssignment, WorkReceipt } from 'agentmq/contracts';
import { columnPart } from './column-part.js';
import { parseChunk } from './parse-chunk.js';

/** Carries out an assignment: parses its chunk and computes the statistics of its columns. Depends on nothing else. */
export function computePartial(assignment: WorkAssignment): PartialResult {
  const { runId, chunk, columns, only } = assignment;
  const { rows, rejected } = parseChunk(assignment, columns.length);
  const asked = new Set(only ?? columns);
  const parts = columns.flatMap((name, i) => (asked.has(name) ? [columnPart(name, rows, i, only !== undefined)] : []));
  return Object.assign(new PartialResult(), {
    runId,
    chunk,
    recount: only !== undefined,
    rows: rows.length,
    columns: parts,
    rejected,
  });
}

/** What the coordinator is told of a partial result, once it has been handed on. */
export function receiptOf({ chunk, rows, rejected }: PartialResult): WorkReceipt {
  const [firstRejected] = rejected.rows;
  return Object.assign(new WorkReceipt(), {
    chunk,
    rows,
    rejected: rejected.count,
    ...(firstRejected ? { firstRejected } : {}),
  });
}
