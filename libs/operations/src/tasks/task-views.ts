import {
  type TaskAttempt,
  type TaskRecord,
  type Tasks,
  type TaskState,
  type TaskTree,
  type TaskWithResult,
  UnknownTaskError,
} from 'agentmq/coordination';
import { DEFAULT_LIMIT, type Page, pageUpTo, type PageQuery } from '../views/page.js';

/** Of a task's parts, these are shown with it; all of them by a list of its parts. */
const PARTS_SHOWN = 100;

/** Which tasks are listed; all that is given has to hold. */
export interface TaskQuery extends PageQuery {
  /** `running`: also what is assigned, and begun by its agent. */
  readonly state?: TaskState;
  readonly type?: string;
  /** With this agent, or with it last. */
  readonly agent?: string;
  /** Parts of this task. */
  readonly parent?: string;
  /** Submitted after then. */
  readonly from?: Date;
  /** Submitted before then. */
  readonly before?: Date;
}

/** A task as it is listed. */
export type TaskListed = Omit<TaskRecord, 'attempts'> & {
  /** How many attempts may fail. */
  readonly maxAttempts: number;
};

export interface TaskView extends Omit<TaskWithResult, 'attempts'> {
  readonly maxAttempts: number;
  readonly attempts: readonly TaskAttempt[];
  /** Its agent, after those of the tasks that it is part of, from the top. */
  readonly path: readonly string[];
  readonly parts: { readonly count: number; readonly tasks: readonly TaskListed[] };
}

export type TaskNode = TaskListed & { readonly parts: readonly TaskNode[] };

/** A task with all that is below it; `isWhole` is false where there is more than 1,000 tasks or 16 levels. */
export type TaskTreeView = TaskNode & { readonly isWhole: boolean };

/** Tasks as operators see them. */
export class TaskViews {
  constructor(private readonly tasks: Pick<Tasks, 'list' | 'find' | 'path' | 'attempts' | 'parts' | 'tree'>) {}

  /** The newest first. Rejects with `InvalidTaskError` naming the field. */
  async list({ limit = DEFAULT_LIMIT, agent, parent, from, before, ...filter }: TaskQuery = {}): Promise<
    Page<TaskListed>
  > {
    const tasks = await this.tasks.list({
      ...filter,
      ...(agent === undefined ? {} : { agentId: agent }),
      ...(parent === undefined ? {} : { parentId: parent }),
      ...(from ? { createdAfter: from } : {}),
      ...(before ? { createdBefore: before } : {}),
      limit,
      newestFirst: true,
    });
    return pageUpTo(limit, tasks.map(taskListed), ({ id }) => id);
  }

  /** One with its attempts, its parts and its result. Rejects with `UnknownTaskError`. */
  async find(id: string): Promise<TaskView> {
    const task = await this.tasks.find(id);
    if (!task) throw new UnknownTaskError(id);
    // read after the task, so that they are not of before its state
    const [path, attempts, parts] = await Promise.all([
      this.tasks.path(id),
      this.tasks.attempts(id),
      this.tasks.parts(id, PARTS_SHOWN),
    ]);
    return { ...taskListed(task), path, attempts, parts: { count: parts.count, tasks: parts.tasks.map(taskListed) } };
  }

  /** One with its parts, their parts, … Rejects with `UnknownTaskError`. */
  async tree(id: string): Promise<TaskTreeView> {
    const found = await this.tasks.tree(id);
    if (!found) throw new UnknownTaskError(id);
    return { ...nodeOf(found.tree), isWhole: found.isWhole };
  }
}

/** A record as it is listed: of a task, `attempts` are those that were made. */
export const taskListed = <T extends TaskRecord>({ attempts: maxAttempts, ...task }: T) => ({ ...task, maxAttempts });

const nodeOf = ({ task, parts }: TaskTree): TaskNode => ({ ...taskListed(task), parts: parts.map(nodeOf) });
