import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { DELIVERY_STATES } from 'agentmq/message-store';
import type { MessageSearch } from 'agentmq/operations';
import { PagingQuery } from '../paging.js';
import { IsConsumer, IsTime } from '../checks.js';

/** The query of `GET /messages`. All that is given has to hold. */
export class MessagesQuery extends PagingQuery {
  @IsOptional()
  @IsString()
  @Length(1, 255)
  id?: string;

  @IsOptional()
  @IsString()
  @Length(1, 128)
  type?: string;

  @IsOptional()
  @IsConsumer()
  consumer?: string;

  /** It sent the message, has it, or was the last to have it. */
  @IsOptional()
  @IsString()
  @Length(1, 128)
  agent?: string;

  /** Of a delivery, at `consumer` where that is given. */
  @IsOptional()
  @IsIn([...DELIVERY_STATES, 'unpublished'])
  state?: NonNullable<MessageSearch['state']>;

  /** Stored from then on. */
  @IsOptional()
  @IsTime()
  from?: Date;

  /** Stored before then. */
  @IsOptional()
  @IsTime()
  before?: Date;

  @IsOptional()
  @Matches(/^[0-9a-f]{32}$/, { message: '$property must be 32 hexadecimal digits in lower case' })
  trace?: string;

  @IsOptional()
  @IsString()
  @Length(1, 255)
  correlation?: string;

  /** `order:4711`: a field that the contract marks as a key, and its value. */
  @IsOptional()
  @Matches(/^[^:]{1,64}:.{1,200}$/s, { message: '$property must be <name>:<value>' })
  key?: string;
}

/** What a query searches for. */
export function searchOf({ trace, correlation, key, ...query }: MessagesQuery): MessageSearch {
  const colon = key?.indexOf(':') ?? 0;
  return {
    ...query,
    ...(trace === undefined ? {} : { traceId: trace }),
    ...(correlation === undefined ? {} : { correlationId: correlation }),
    ...(key === undefined ? {} : { key: { name: key.slice(0, colon), value: key.slice(colon + 1) } }),
  };
}
