import {
  BadRequestException,
  Body,
  ConflictException,
  Delete,
  Get,
  HttpCode,
  type MessageEvent,
  Param,
  Post,
  Query,
  Res,
  Sse,
  SseSignal,
} from '@nestjs/common';
import { type TaskEvent, Tasks, type TaskType, TaskTypes, UnknownTaskError } from 'agentmq/coordination';
import { BusStoppedError } from 'agentmq/messaging';
import { ContractViolationError, type Violation } from 'agentmq/protocol';
import { Observable } from 'rxjs';
import { Needs, requestAs } from 'agentmq/http';
import {
  type Actor,
  type Page,
  TaskChanges,
  taskListed,
  type TaskListed,
  type TaskTreeView,
  type TaskView,
  TaskViews,
} from 'agentmq/operations';
import { By } from '../by.js';
import { LONGEST_STREAM_MS, OperationsController } from '../operations.js';
import { CancelQuery, PostTask, TasksQuery, type UncheckedTask } from './task-requests.js';

const HEARTBEAT_MS = 15_000;
/** Events hold results: as much as waits for a client that reads slowly, in characters. */
const MOST_PENDING = 64 * 1024 * 1024;

/** Tasks of all types that agents carry out, over HTTP. */
@OperationsController('')
export class TasksController {
  constructor(
    private readonly tasks: Tasks,
    private readonly types: TaskTypes,
    private readonly views: TaskViews,
    private readonly changes: TaskChanges,
  ) {}

  /** The types that can be submitted now, with the JSON Schema of what each is given and the agents that carry it out. */
  @Get('task-types')
  async known(): Promise<Page<TaskType>> {
    return { items: await this.types.known() };
  }

  /** Accepts a task: from here on it will be carried out. 400 names every wrong field, 503 means try again later. */
  @Needs('submitter')
  @Post('tasks')
  @HttpCode(202)
  async create(
    @Body() body: UncheckedTask,
    @By() actor: Actor,
    @Res({ passthrough: true }) response: { setHeader(name: string, value: string): void },
  ): Promise<{ id: string }> {
    const id = await this.changes.submit(actor, await this.read(body)).catch((error: unknown) => {
      throw belowPayload(error);
    });
    response.setHeader('Location', `/tasks/${encodeURIComponent(id)}`);
    return { id };
  }

  /** The newest first. */
  @Get('tasks')
  list(@Query() query: TasksQuery): Promise<Page<TaskListed>> {
    return this.views.list(query);
  }

  @Get('tasks/:id')
  find(@Param('id') id: string): Promise<TaskView> {
    return this.views.find(id);
  }

  /** A task with its parts, their parts, … */
  @Get('tasks/:id/tree')
  tree(@Param('id') id: string): Promise<TaskTreeView> {
    return this.views.tree(id);
  }

  /** Its state and progress now, and as they change; ends after it is settled, and after ten minutes. Events are numbered; each stream begins anew. */
  @Sse('tasks/:id/events', { maxPendingDataLength: MOST_PENDING })
  async events(@Param('id') id: string, @SseSignal() signal: AbortSignal): Promise<Observable<MessageEvent>> {
    const events = this.tasks.watch(id, { signal })[Symbol.asyncIterator]();
    signal.addEventListener('abort', () => void events.return?.());
    // before the stream begins: it is a 404 if there is no such task
    const first = await events.next();
    return new Observable((subscriber) => {
      const heartbeat = setInterval(() => subscriber.next({ comment: 'heartbeat' }), HEARTBEAT_MS);
      const send = async (): Promise<void> => {
        let count = 0;
        for (let next = first; !next.done; next = await events.next()) subscriber.next(eventOf(next.value, ++count));
      };
      send().then(
        () => subscriber.complete(),
        // a stop ends the stream, and so does its client
        (error: unknown) =>
          signal.aborted || error instanceof BusStoppedError ? subscriber.complete() : subscriber.error(error),
      );
      const end = setTimeout(() => subscriber.complete(), LONGEST_STREAM_MS);
      return () => {
        clearInterval(heartbeat);
        clearTimeout(end);
      };
    });
  }

  /** Cancels a task and everything below it. `cancelled` is false for one that was settled before. */
  @Needs('submitter')
  @Delete('tasks/:id')
  async cancel(
    @Param('id') id: string,
    @Query() { reason = 'cancelled over HTTP' }: CancelQuery,
    @By() actor: Actor,
  ): Promise<{ cancelled: boolean }> {
    const cancelled = await this.changes.cancel(actor, id, reason);
    if (!cancelled && !(await this.tasks.find(id))) throw new UnknownTaskError(id);
    return { cancelled };
  }

  /** Queues a task that has failed, or was cancelled, anew. 409, with its state, for one that is not; 400 for a part, which names the whole. */
  @Needs('submitter')
  @Post('tasks/:id/retry')
  @HttpCode(200)
  async retry(@Param('id') id: string, @By() actor: Actor): Promise<{ id: string; state: string }> {
    if (await this.changes.retry(actor, id)) return { id, state: 'queued' };
    const task = await this.tasks.find(id);
    if (!task) throw new UnknownTaskError(id);
    const { state } = task;
    throw new ConflictException({ message: `task ${id} is ${state}`, state });
  }

  /** Throws `ContractViolationError` that names what is wrong with the body and with the payload in it. */
  private async read(body: unknown): Promise<PostTask> {
    if (Array.isArray(body)) throw new BadRequestException('the body is to be one JSON object');
    try {
      return requestAs(PostTask, body);
    } catch (error) {
      if (!(error instanceof ContractViolationError)) throw error;
      const { type, version, payload } = (body ?? {}) as Partial<Record<keyof PostTask, unknown>>;
      const problems = await this.types
        .check({
          type: typeof type === 'string' ? type : '',
          version: typeof version === 'number' ? version : undefined,
          payload,
        })
        .then(
          () => [],
          (other: unknown) =>
            other instanceof ContractViolationError && payload ? other.violations.map(inPayload) : [],
        );
      const named = new Set(error.violations.map(({ field }) => field));
      const others = problems.filter(({ field }) => !named.has(field));
      throw new ContractViolationError(error.contract, [...error.violations, ...others]);
    }
  }
}

const eventOf = (event: TaskEvent, id: number): MessageEvent =>
  event.kind === 'state'
    ? { id: String(id), type: 'state', data: taskListed(event.task) }
    : { id: String(id), type: 'progress', data: { progress: event.progress, at: event.at } };

const inPayload = (violation: Violation): Violation => ({
  ...violation,
  field: violation.field === 'payload' ? 'payload' : `payload.${violation.field}`,
});

/** What is wrong with the payload of a body is told by its place in the body. */
const belowPayload = (error: unknown): unknown =>
  error instanceof ContractViolationError
    ? new ContractViolationError(error.contract, error.violations.map(inPayload))
    : error;
