import { HandleTask, type HandlerOptions } from 'agentmq/agent';
import type { PayloadClass } from 'agentmq/protocol';
import { TaskContext } from './task-context.js';

/**
 * Carries out tasks of a contract: what the method returns is the task's result, what it throws fails the attempt. It may
 * run more than once for a task (an agent that dies, a database that is away), but only one result is recorded. With
 * `transactional`, what it writes and sends is committed with the result, or not at all. After `timeout` the attempt has
 * failed. How often a task is tried is the task's own `attempts`; `retry` is for plain messages of the contract, which the
 * method handles as `@Handle` does. Its `@Ctx()` is a {@link TaskContext}. Throws as `@Handle` does.
 */
export function Task(contract: PayloadClass, options: HandlerOptions = {}): MethodDecorator {
  return HandleTask(contract, options, (handling) => new TaskContext(handling));
}
