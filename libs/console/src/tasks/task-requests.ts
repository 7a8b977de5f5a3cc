import { IsIn, IsInt, IsObject, IsOptional, IsString, Length, Matches, Max, Min } from 'class-validator';
import { type Destination, TASK_STATES, type TaskState } from 'agentmq/coordination';
import { PagingQuery } from '../paging.js';
import { IsTime } from '../checks.js';

const LONGEST_NAME = 128;
const LONGEST_KEY = 255;
const WITHOUT_NUL = /^[^\0]*$/;

/** The body of `POST /tasks`. */
export class PostTask {
  @IsString()
  @Length(1, LONGEST_NAME)
  type!: string;

  /** The highest that an agent carries out unless given. */
  @IsOptional()
  @IsInt()
  @Min(1)
  version?: number;

  @IsObject()
  payload!: Record<string, unknown>;

  /** `{ role }`, `{ agent }` or `{ capability }`; any agent that carries out the type unless given. */
  @IsOptional()
  @IsObject()
  to?: Destination;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(10)
  priority?: number;

  /** In ms from now. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(4_294_967_295)
  deadline?: number;

  @IsOptional()
  @IsString()
  @Length(1, LONGEST_KEY)
  idempotencyKey?: string;
}

/** It is checked with the payload in it, so that all that is wrong is told at once. */
export type UncheckedTask = { readonly [Field in keyof PostTask]: PostTask[Field] };

/** The query of `GET /tasks`. */
export class TasksQuery extends PagingQuery {
  /** `running`: also what is assigned, and begun by its agent. */
  @IsOptional()
  @IsIn(TASK_STATES)
  state?: TaskState;

  @IsOptional()
  @IsString()
  @Length(1, LONGEST_NAME)
  type?: string;

  /** Its agent, or the last one. */
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_NAME)
  @Matches(WITHOUT_NUL, { message: '$property must not contain NUL' })
  agent?: string;

  /** Parts of this task. */
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_NAME)
  @Matches(WITHOUT_NUL, { message: '$property must not contain NUL' })
  parent?: string;

  /** Submitted after then. */
  @IsOptional()
  @IsTime()
  from?: Date;

  /** Submitted before then. */
  @IsOptional()
  @IsTime()
  before?: Date;
}

/** The query of `DELETE /tasks/:id`. */
export class CancelQuery {
  @IsOptional()
  @IsString()
  @Length(1, 1_000)
  reason?: string;
}
