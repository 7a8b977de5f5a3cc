import {
  BadRequestException,
  Body,
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  PayloadTooLargeException,
  Post,
  ServiceUnavailableException,
} from '@nestjs/common';
import { IsIn, IsInt, IsObject, IsOptional, Max, Min } from 'class-validator';
import { AgentClient } from 'agentmq/agent';
import { MessageTooLargeError } from 'agentmq/broker';
import {
  AgentMQError,
  Contract,
  contractOf,
  ContractViolationError,
  formatRecipient,
  type Message,
  type PayloadClass,
  validatePayload,
} from 'agentmq/protocol';
import { NlpRequest, type TaskName, TaskRequest, TaskResult, TASKS } from 'agentmq/contracts';
import { Tasks, type TaskWithResult } from 'agentmq/coordination';
import {
  type DeliveryError,
  type DeliveryState,
  HistoryStore,
  openStates,
  type StoredMessage,
} from 'agentmq/message-store';
import { AnalysisInput } from './task-input.js';

/** The body of `POST /tasks`. */
@Contract({ type: 'post_task' })
class PostTask {
  @IsIn(TASKS)
  type!: TaskName;

  @IsObject()
  payload!: Record<string, unknown>;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(10)
  priority?: number;

  /** In ms. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(4_294_967_295)
  ttl?: number;
}

/** What a task's own payload must keep: a misspelt field is refused at this door, since agents would drop it. */
const INPUTS: Readonly<Record<TaskName, PayloadClass>> = { data_analysis: AnalysisInput, nlp_processing: NlpRequest };

export interface TaskView {
  readonly id: string;
  /** Absent for a message that is no proper task. */
  readonly type: string | undefined;
  readonly state: 'queued' | 'processing' | 'completed' | 'failed' | 'expired';
  readonly result?: unknown;
  readonly error?: unknown;
  /** The agents that worked on it, in the order in which they came in. */
  readonly path: readonly string[];
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

export interface SubmittedTaskView extends TaskWithResult {
  /** Its agent, after those of the tasks that it is part of, from the top. */
  readonly path: readonly string[];
}

/** Tasks over HTTP. A task is a message: its state is its delivery's, its path that of its trace. */
@Controller('tasks')
export class TasksController {
  constructor(
    private readonly agents: AgentClient,
    private readonly tasks: Tasks,
    private readonly history: HistoryStore,
  ) {}

  /** Accepts a task: from here on it will be carried out. 400 names every wrong field, 503 means try again later. */
  @Post()
  @HttpCode(202)
  async create(@Body() body: unknown): Promise<{ id: string }> {
    try {
      const { type, payload, priority, ttl } = validatePayload(contractOf(PostTask), body);
      validatePayload(contractOf(INPUTS[type]), payload);
      const options = { ...(priority === undefined ? {} : { priority }), ...(ttl === undefined ? {} : { ttl }) };
      const { messageId } = await this.agents.send(
        { role: 'coordinator' },
        TaskRequest,
        { task: type, payload },
        options,
      );
      return { id: messageId };
    } catch (error) {
      throw asHttp(error);
    }
  }

  /** A task that was asked for as a message, or one that an agent has submitted, as it is on record. */
  @Get(':id')
  async read(@Param('id') id: string): Promise<TaskView | SubmittedTaskView> {
    try {
      const stored = await this.history.find(id);
      if (stored?.message.type === contractOf(TaskRequest).type) return await this.view(stored);
      const task = await this.tasks.find(id);
      if (task) return { ...task, path: await this.tasks.path(id) };
      throw new NotFoundException(`there is no task ${id}`);
    } catch (error) {
      throw asHttp(error);
    }
  }

  private async view({ message, storedAt, deliveries }: StoredMessage): Promise<TaskView> {
    const coordinator = formatRecipient(message.recipient);
    // Replayed to others it has more of them.
    const delivery = deliveries.find(({ consumer }) => consumer === coordinator);
    const outcome = delivery?.agentId ? await this.outcomeOf(message.messageId, delivery.agentId) : undefined;
    const open = delivery !== undefined && openStates.includes(delivery.state);
    // What was told is told anew when a task is carried out again.
    const { result, error } = open ? {} : { ...outcome, error: outcome?.error ?? withoutStack(delivery?.error) };
    const { agents } = await this.history.trace(message);
    return {
      id: message.messageId,
      type: outcome?.task ?? taskOf(message),
      state: open ? stateOf(delivery.state) : (outcome?.state ?? stateOf(delivery?.state)),
      ...(result ? { result } : {}),
      ...(error ? { error } : {}),
      path: agents,
      createdAt: storedAt,
      finishedAt: delivery?.finishedAt ?? null,
    };
  }

  /**
   * The last result that the coordinator told which had the task last: an earlier one that died may have left one, to be told
   * again. Anything may claim to be a result; what counts was sent through the store.
   */
  private async outcomeOf(correlationId: string, coordinator: string): Promise<TaskResult | undefined> {
    const results = await this.history.list({ correlationId, type: contractOf(TaskResult).type, received: false });
    const last = results.findLast(({ message }) => message.sender === coordinator);
    return last && (JSON.parse(last.message.body.toString()) as TaskResult);
  }
}

function taskOf({ body }: Message): string | undefined {
  try {
    return (JSON.parse(body.toString()) as TaskRequest).task;
  } catch {
    return undefined;
  }
}

function stateOf(state: DeliveryState | undefined): TaskView['state'] {
  if (state === undefined || state === 'pending') return 'queued';
  if (state === 'dead') return 'failed';
  return state === 'retrying' ? 'processing' : state;
}

function withoutStack(error: DeliveryError | null | undefined): Omit<DeliveryError, 'stack'> | undefined {
  if (!error) return undefined;
  const { stack: _, ...rest } = error;
  return rest;
}

function asHttp(error: unknown): unknown {
  if (error instanceof ContractViolationError) {
    return new BadRequestException({ statusCode: 400, error: 'Bad Request', message: error.violations });
  }
  if (error instanceof MessageTooLargeError) return new PayloadTooLargeException(error.message);
  if (error instanceof AgentMQError && error.retryable) return new ServiceUnavailableException(error.message);
  return error;
}
