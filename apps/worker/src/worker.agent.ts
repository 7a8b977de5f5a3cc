import { Agent, AgentClient, Ctx, Handle, type MessageContext } from 'agentmq/agent';
import { PartialReceipt, PartialResult, WorkAssignment, type WorkReceipt } from 'agentmq/contracts';
import { computePartial, receiptOf } from './compute-partial.js';

const MERGE_TIMEOUT_MS = 30_000;

/** Carries out work assignments: parses a chunk, computes its statistics, and hands them to the specialist. */
@Agent({ role: 'worker', capabilities: ['csv_processing'], concurrency: 4 })
export class WorkerAgent {
  constructor(private readonly agents: AgentClient) {}

  @Handle(WorkAssignment)
  async work(assignment: WorkAssignment, @Ctx() { message, signal }: MessageContext): Promise<WorkReceipt> {
    const partial = computePartial(assignment);
    await this.agents.request({ agent: assignment.mergeAt }, PartialResult, partial, {
      answer: PartialReceipt,
      priority: message.priority,
      timeout: MERGE_TIMEOUT_MS,
      signal,
    });
    return receiptOf(partial);
  }
}
