import { Agent, AgentClient, Ctx, type MessageContext, Subscribe } from 'agentmq/agent';
import { fromWireError } from 'agentmq/protocol';
import { TASK_PROGRESS_TOPIC, TASK_RESULT_TOPIC, TaskProgress, TaskRequest, TaskResult } from 'agentmq/contracts';
import { HistoryStore } from 'agentmq/message-store';

/** Receives what the console shows of a run. */
export abstract class ProgressListener {
  abstract onProgress(progress: TaskProgress): void;
}

/** The person's own agent: sends tasks, and hears how far they are and how they end. */
@Agent({ role: 'console' })
export class ConsoleAgent {
  private readonly results = new Map<string, TaskResult>();
  private arrived = () => {};

  constructor(
    private readonly agents: AgentClient,
    private readonly listener: ProgressListener,
    private readonly history: HistoryStore,
  ) {}

  /** Resolves with the result of an analysis of a file. Rejects with `RemoteError` when the task failed. */
  async analyse(coordinator: string, file: string, strict: boolean): Promise<TaskResult> {
    const request: TaskRequest = { task: 'data_analysis', payload: { file, strict } };
    const { messageId } = await this.agents.send({ agent: coordinator }, TaskRequest, request);
    const result = await this.resultOf(messageId);
    if (result.state === 'failed') throw fromWireError(result.error);
    return result;
  }

  @Subscribe(TASK_PROGRESS_TOPIC, TaskProgress, { scope: 'instance' })
  onProgress(progress: TaskProgress): void {
    this.listener.onProgress(progress);
  }

  @Subscribe(TASK_RESULT_TOPIC, TaskResult, { scope: 'instance' })
  async onResult(result: TaskResult, @Ctx() { message }: MessageContext): Promise<void> {
    // Anything may be published to the topic; what counts was sent through the store.
    const stored = await this.history.find(message.messageId);
    if (stored?.received !== false) return;
    this.results.set(result.taskId, result);
    this.arrived();
  }

  private async resultOf(taskId: string): Promise<TaskResult> {
    for (;;) {
      const result = this.results.get(taskId);
      if (result) return result;
      await new Promise<void>((resolve) => (this.arrived = resolve));
    }
  }
}
