import type { INestApplicationContext } from '@nestjs/common';
import {
  type TaskRecord,
  type TaskTree,
  Tasks,
  TasksModule,
  type TaskType,
  TaskTypes,
  UnknownTaskError,
} from 'agentmq/coordination';
import type { Destination, TaskState } from 'agentmq/coordination';
import { Audit, TaskChanges } from 'agentmq/operations';
import { Store } from 'agentmq/message-store';
import { commandActor } from '../command/actor.js';
import { UsageError } from '../command/errors.js';
import type { JsonOption, ListOptions } from '../command/options.js';
import { payloadObject } from '../command/payload.js';
import { withClient } from '../command/with-client.js';
import { note, print, printJson, printPage } from '../output/index.js';
import { printTask, printTree, tasksView, typesView } from './task-text.js';

export interface TasksOptions extends ListOptions {
  readonly state?: TaskState;
  readonly type?: string;
  readonly agent?: string;
  readonly parent?: string;
  readonly from?: Date;
  readonly before?: Date;
}

export interface SubmitOptions extends JsonOption {
  readonly version?: number;
  readonly to?: Destination;
  readonly priority?: number;
  readonly deadline?: number;
  readonly idempotencyKey?: string;
  readonly wait: boolean;
}

export interface CancelOptions {
  readonly reason: string;
}

const PARTS_SHOWN = 100;
const OF_TASKS = { imports: [TasksModule], withoutBroker: true };

/** Prints tasks, newest first. Rejects with `InvalidTaskError`. */
export function listTasks({ json, limit, agent, parent, from, before, ...filter }: TasksOptions): Promise<void> {
  return withClient(async (client) => {
    const items = await client.get(Tasks).list({
      ...filter,
      limit,
      newestFirst: true,
      ...(agent === undefined ? {} : { agentId: agent }),
      ...(parent === undefined ? {} : { parentId: parent }),
      ...(from ? { createdAfter: from } : {}),
      ...(before ? { createdBefore: before } : {}),
    });
    const last = items.length === limit ? items.at(-1) : undefined;
    const next = last ? { next: last.id } : {};
    if (json) printJson({ items: items.map(listed), ...next });
    else printPage({ items, ...next }, json, tasksView);
  }, OF_TASKS);
}

/** Prints one task with its attempts, its parts and its result. Rejects with `UnknownTaskError`. */
export function showTask(id: string, { json }: JsonOption): Promise<void> {
  return withClient(async (client) => {
    const tasks = client.get(Tasks);
    const task = await tasks.find(id);
    if (!task) throw new UnknownTaskError(id);
    const [path, attempts, parts] = await Promise.all([
      tasks.path(id),
      tasks.attempts(id),
      tasks.parts(id, PARTS_SHOWN),
    ]);
    const view = { ...listed(task), attempts, path };
    if (json) printJson({ ...view, parts: { count: parts.count, tasks: parts.tasks.map(listed) } });
    else printTask({ ...view, parts });
  }, OF_TASKS);
}

/** Prints a task with its parts, their parts and so on. Rejects with `UnknownTaskError`. */
export function showTaskTree(id: string, { json }: JsonOption): Promise<void> {
  return withClient(async (client) => {
    const found = await client.get(Tasks).tree(id);
    if (!found) throw new UnknownTaskError(id);
    if (json) printJson({ ...treeOf(found.tree), isWhole: found.isWhole });
    else printTree(found.tree);
    if (!found.isWhole) note('there is more below it than is shown');
  }, OF_TASKS);
}

/** Prints the types of tasks that agents carry out now. */
export function listTaskTypes({ json }: JsonOption): Promise<void> {
  return withClient(async (client) => {
    const items: readonly TaskType[] = await client.get(TaskTypes).known();
    printPage({ items }, json, typesView);
  }, OF_TASKS);
}

/** Submits a task; prints its id, or (`wait`) its result. Rejects as `TaskTypes.submit` and `Tasks.result` do. */
export async function submitTask(
  type: string,
  given: string,
  { wait, json, ...options }: SubmitOptions,
): Promise<void> {
  const payload = await payloadObject(given, 'payload');
  await withClient(
    async (client) => {
      const id = await client.get(TaskTypes).submit({ type, payload, ...options });
      if (!wait) {
        if (json) printJson({ id });
        else print(id);
        return;
      }
      note(`task ${id}`);
      printJson((await client.get(Tasks).result(id)) ?? null);
    },
    { imports: [TasksModule] },
  );
}

/** Cancels a task and everything below it. Rejects with `UsageError` for one that has ended. */
export function cancelTask(id: string, { reason }: CancelOptions): Promise<void> {
  return withClient(async (client) => {
    if (!(await changesOf(client).cancel(commandActor(), id, reason)))
      throw await refusal(client, id, 'is not cancelled');
    print(`cancelled ${id}`);
  }, OF_TASKS);
}

/** Queues a task anew that has failed or was cancelled. Rejects with `UsageError` for another one. */
export function retryTask(id: string): Promise<void> {
  return withClient(async (client) => {
    if (!(await changesOf(client).retry(commandActor(), id))) throw await refusal(client, id, 'is not tried again');
    print(`queued ${id} anew`);
  }, OF_TASKS);
}

const changesOf = (client: INestApplicationContext): TaskChanges =>
  new TaskChanges(client.get(Tasks), new Audit(client.get(Store).database));

async function refusal(client: INestApplicationContext, id: string, what: string): Promise<Error> {
  const task = await client.get(Tasks).find(id);
  return task ? new UsageError(`task ${id} is ${task.state}: it ${what}`) : new UnknownTaskError(id);
}

/** As over HTTP: `attempts` are those that were made. */
const listed = <T extends TaskRecord>({ attempts: maxAttempts, ...task }: T) => ({ ...task, maxAttempts });

const treeOf = ({ task, parts }: TaskTree): object => ({ ...listed(task), parts: parts.map(treeOf) });
