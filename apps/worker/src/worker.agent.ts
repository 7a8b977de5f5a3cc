import { Agent } from 'agentmq';
import { ParseChunk, type PartialResult } from 'agentmq/contracts';
import { Task } from 'agentmq/coordination';
import { computePartial } from './compute-partial.js';

/** Parses chunks of tables, and computes their statistics. */
@Agent({ role: 'worker', concurrency: 4 })
export class WorkerAgent {
  @Task(ParseChunk)
  parse(chunk: ParseChunk): PartialResult {
    return computePartial(chunk);
  }
}
