import type { INestApplicationContext } from '@nestjs/common';
import { type Destination, Tasks, TasksModule, type TaskType, TaskTypes, UnknownTaskError } from 'agentmq/coordination';
import { Audit, type PageQuery, TaskChanges, type TaskQuery, TaskViews } from 'agentmq/operations';
import { Store } from 'agentmq/message-store';
import { commandActor } from '../command/actor.js';
import { NotPossibleError } from '../command/errors.js';
import type { JsonOption, ListOptions } from '../command/options.js';
import { payloadObject } from '../command/payload.js';
import { withClient } from '../command/with-client.js';
import { note, print, printJson, printPage } from '../output/index.js';
import { printTask, printTree, tasksView, typesView } from './task-text.js';

export interface TasksOptions extends ListOptions, Omit<TaskQuery, keyof PageQuery> {}

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

const OF_TASKS = { imports: [TasksModule], withoutBroker: true };

/** Prints tasks, newest first. Rejects with `InvalidTaskError`. */
export function listTasks({ json, ...query }: TasksOptions): Promise<void> {
  return withClient(async (client) => printPage(await viewsOf(client).list(query), json, tasksView), OF_TASKS);
}

/** Prints one task with its attempts, its parts and its result. Rejects with `UnknownTaskError`. */
export function showTask(id: string, { json }: JsonOption): Promise<void> {
  return withClient(async (client) => {
    const task = await viewsOf(client).find(id);
    if (json) printJson(task);
    else printTask(task);
  }, OF_TASKS);
}

/** Prints a task with its parts, their parts and so on. Rejects with `UnknownTaskError`. */
export function showTaskTree(id: string, { json }: JsonOption): Promise<void> {
  return withClient(async (client) => {
    const tree = await viewsOf(client).tree(id);
    if (json) printJson(tree);
    else printTree(tree);
    if (!tree.isWhole) note('there is more below it than is shown');
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
      const id = await changesOf(client).submit(commandActor(), { type, payload, ...options });
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

/** Cancels a task and everything below it. Rejects with `NotPossibleError` for one that has ended, and with `UnknownTaskError`. */
export function cancelTask(id: string, { reason }: CancelOptions): Promise<void> {
  return withClient(async (client) => {
    if (!(await changesOf(client).cancel(commandActor(), id, reason)))
      throw await refusal(client, id, 'is not cancelled');
    print(`cancelled ${id}`);
  }, OF_TASKS);
}

/** Queues a task anew that has failed or was cancelled. Rejects with `NotPossibleError` for another one, and as `Tasks.retry` does. */
export function retryTask(id: string): Promise<void> {
  return withClient(async (client) => {
    if (!(await changesOf(client).retry(commandActor(), id))) throw await refusal(client, id, 'is not tried again');
    print(`queued ${id} anew`);
  }, OF_TASKS);
}

const viewsOf = (client: INestApplicationContext): TaskViews => new TaskViews(client.get(Tasks));

function changesOf(client: INestApplicationContext): TaskChanges {
  const { database } = client.get(Store);
  return new TaskChanges(client.get(Tasks), client.get(TaskTypes), database, new Audit(database));
}

async function refusal(client: INestApplicationContext, id: string, what: string): Promise<Error> {
  const task = await client.get(Tasks).find(id);
  return task ? new NotPossibleError(`task ${id} is ${task.state}: it ${what}`) : new UnknownTaskError(id);
}
