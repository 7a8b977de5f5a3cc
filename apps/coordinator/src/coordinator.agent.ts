import type { OnApplicationBootstrap } from '@nestjs/common';
import { Agent, AgentClient, AgentMQError, Ctx, Handle, type MessageContext, type Transaction } from 'agentmq';
import { MessageTooLargeError } from 'agentmq/broker';
import { TASK_RESULT_TOPIC, TaskRequest, TaskResult } from 'agentmq/contracts';
import { type AskedTask, AskedTasks, TaskTypes } from 'agentmq/coordination';
import { ANSWERED_LATER, inTrace, MessageBus, NotSealedError, type Question, Sealer } from 'agentmq/messaging';
import { fromWireError, toWireError, traceFor } from 'agentmq/protocol';

/** What may pass is tried again as often: no agent that is able, say, since the specialists are being restarted. */
const ATTEMPTS = 5;

/**
 * Makes tasks of messages: the message's id is the task's, so a message that comes again is the same task. Once it is settled,
 * whichever coordinator then lives answers the sender, if it asked, and publishes to the topic `tasks.result`.
 */
@Agent({ role: 'coordinator', capabilities: ['task_coordination'], concurrency: 8 })
export class CoordinatorAgent implements OnApplicationBootstrap {
  constructor(
    private readonly agents: AgentClient,
    private readonly bus: MessageBus,
    private readonly types: TaskTypes,
    private readonly asked: AskedTasks,
    private readonly sealer: Sealer,
  ) {}

  onApplicationBootstrap(): void {
    this.asked.onSettled((task, transaction) => this.tell(task, transaction));
  }

  @Handle(TaskRequest, { retry: { attempts: ATTEMPTS } })
  async take({ task, payload }: TaskRequest, @Ctx() context: MessageContext): Promise<unknown> {
    const { message } = context;
    const { messageId: id, priority, expiresAt } = message;
    const deadline = expiresAt ? { deadline: Math.max(1, expiresAt.getTime() - Date.now()) } : {};
    try {
      const { sensitive } = await this.types.find(task);
      if (sensitive && this.sealer.refusesClear) throw new NotSealedError(task);
      await this.types.submit({ id, type: task, payload, priority, ...deadline });
      await this.asked.note(id, questionOf(context));
      return ANSWERED_LATER;
    } catch (error) {
      if (isFinal(context, error))
        await this.publish({ taskId: id, task, state: 'failed', error: { ...toWireError(error) } });
      throw error;
    }
  }

  private async tell(
    { id, type, state, error, question, ...result }: AskedTask,
    transaction: Transaction,
  ): Promise<void> {
    const task = { taskId: id, task: type };
    const told: TaskResult =
      state === 'completed' ? { ...task, state, ...result } : { ...task, state: 'failed', error: { ...error } };
    if (question.replyTo)
      await this.bus.answer(question, state === 'completed' ? { value: told } : { error: fromWireError(error) });
    const { trace = traceFor(id) } = question;
    await inTrace(trace, question.messageId, async () => {
      try {
        await this.publish(told, transaction);
      } catch (failure) {
        if (!(failure instanceof MessageTooLargeError)) throw failure;
        await this.publish({ ...task, state: 'completed', resultHidden: failure.message }, transaction);
      }
    });
  }

  private async publish(result: TaskResult, transaction?: Transaction): Promise<void> {
    const options = { correlationId: result.taskId, ...(transaction ? { transaction } : {}) };
    await this.agents.publish(TASK_RESULT_TOPIC, TaskResult, result, options);
  }
}

const questionOf = ({ message }: MessageContext): Question => {
  const { messageId, sender, type, version, priority, contentType, correlationId, trace, replyTo } = message;
  return { messageId, sender, type, version, priority, contentType, correlationId, trace, replyTo };
};

/** Whether no task is going to be made of the message: it is not handled again, here or by another. */
function isFinal({ message, attempt }: MessageContext, error: unknown): boolean {
  const passing = !(error instanceof AgentMQError) || error.retryable;
  return !passing || message.replyTo !== undefined || attempt >= ATTEMPTS;
}
