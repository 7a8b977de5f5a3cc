import { IsBoolean, IsObject, IsOptional, IsString, Length } from 'class-validator';
import type { DeadLetterSelection } from 'agentmq/operations';
import { PagingQuery } from '../paging.js';
import { Flag, IsConsumer, IsNotBlank, IsTime } from '../checks.js';
import { SelectionRequest, selectionOf } from '../replay/selection.js';

const LONGEST_GROUP = 300;

/** The query of `GET /dead-letters/groups`. */
export class GroupsQuery extends PagingQuery {
  @IsOptional()
  @IsString()
  @Length(1, 128)
  type?: string;

  @IsOptional()
  @IsConsumer()
  consumer?: string;
}

/** The query of `GET /dead-letters`. */
export class DeadLettersQuery extends GroupsQuery {
  /** The id of a group. */
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_GROUP)
  group?: string;

  /** Stored from then on. */
  @IsOptional()
  @IsTime()
  from?: Date;

  /** Stored before then. */
  @IsOptional()
  @IsTime()
  before?: Date;

  /** What the error's name, code, message or stack has in it. */
  @IsOptional()
  @IsString()
  @Length(1, 200)
  error?: string;

  /** Those that were discarded too. */
  @IsOptional()
  @Flag()
  @IsBoolean()
  discarded?: boolean;
}

/** The body of `POST /dead-letters/:id/requeue`. */
export class RequeueRequest {
  @IsOptional()
  @IsConsumer()
  consumer?: string;

  /** In place of the old one. */
  @IsOptional()
  @IsObject()
  payload?: Record<string, unknown>;
}

/** The body of `POST /dead-letters/:id/discard`. */
export class DiscardRequest {
  @IsString()
  @IsNotBlank()
  @Length(1, 1_000)
  reason!: string;

  @IsOptional()
  @IsConsumer()
  consumer?: string;
}

/** The body of `POST /dead-letters/requeue`. */
export class RequeueAllRequest extends SelectionRequest {
  /** The id of a group. */
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_GROUP)
  group?: string;

  /** What the error's name, code, message or stack has in it. */
  @IsOptional()
  @IsString()
  @Length(1, 200)
  error?: string;

  /** Without anything that selects: all of them are meant. */
  @IsOptional()
  @IsBoolean()
  all?: boolean;
}

/** The body of `POST /dead-letters/discard`. */
export class DiscardAllRequest extends RequeueAllRequest {
  @IsString()
  @IsNotBlank()
  @Length(1, 1_000)
  reason!: string;
}

/** What a request selects of dead letters. */
export const deadLettersOf = (given: RequeueAllRequest): DeadLetterSelection => ({
  ...selectionOf(given),
  ...(given.group === undefined ? {} : { group: given.group }),
  ...(given.error === undefined ? {} : { error: given.error }),
});
