import { Agent, AgentClient, Ctx, Handle, type MessageContext } from 'agentmq/agent';
import { AgentMQError, toWireError } from 'agentmq/protocol';
import { TASK_RESULT_TOPIC, TaskRequest, TaskResult } from 'agentmq/contracts';
import { HandlerTimeoutError } from 'agentmq/messaging';
import pRetry from 'p-retry';
import { TaskRunner } from './task-runner.js';

/** What may pass is tried again as often: no able agent, say, since the specialists are being restarted. */
const ATTEMPTS = 5;
/** In ms; large tables take their time. */
const LONGEST_TASK_MS = 1_700_000;

/**
 * Takes tasks, has them carried out, and tells how they ended: to whom asked, if it was a request, and on the topic
 * `tasks.result`. A task that fails for a reason that may pass is tried again; its failure is told when it is final. A coordinator that dies leaves its tasks to the next, since their messages are not completed.
 */
@Agent({ role: 'coordinator', capabilities: ['task_coordination'], concurrency: 8 })
export class CoordinatorAgent {
  constructor(
    private readonly agents: AgentClient,
    private readonly runner: TaskRunner,
  ) {}

  @Handle(TaskRequest, { retry: { attempts: ATTEMPTS }, timeout: LONGEST_TASK_MS })
  async carryOut(request: TaskRequest, @Ctx() context: MessageContext): Promise<TaskResult> {
    const { task } = request;
    const { message, signal } = context;
    const taskId = message.messageId;
    try {
      const result = await this.runner.run(request, { taskId, priority: message.priority, signal });
      return await this.tell({ taskId, task, state: 'completed', result: { ...result } });
    } catch (error) {
      if (isFinal(context, error)) await this.tell({ taskId, task, state: 'failed', error: { ...toWireError(error) } });
      throw error;
    }
  }

  private async tell(result: TaskResult): Promise<TaskResult> {
    const publish = () => this.agents.publish(TASK_RESULT_TOPIC, TaskResult, result, { correlationId: result.taskId });
    await pRetry(publish, {
      retries: 10,
      maxTimeout: 5_000,
      shouldRetry: ({ error }) => error instanceof AgentMQError && error.retryable,
    });
    return result;
  }
}

/** Whether the task has failed for good: its message is not going to be handled again, here or by another. */
function isFinal({ message, attempt, signal }: MessageContext, error: unknown): boolean {
  // A coordinator that is stopped does not speak for the one that carries on.
  if (signal.aborted && !(signal.reason instanceof HandlerTimeoutError)) return false;
  const passing = !(error instanceof AgentMQError) || error.retryable;
  return !passing || message.replyTo !== undefined || attempt >= ATTEMPTS;
}
