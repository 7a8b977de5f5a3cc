import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsInt,
  IsNumber,
  IsOptional,
  IsPositive,
  IsString,
  Length,
  Matches,
  Max,
  Min,
} from 'class-validator';
import type { ReplaySelection } from 'agentmq/message-store';
import type { BulkRun } from 'agentmq/operations';
import { IsConsumer, IsTime } from '../checks.js';

const MOST_PER_S = 10_000;
const DEFAULT_RATE = 1_000;

/** How a change of many deliveries is carried out. */
export class RunRequest {
  /** Only counts, and tells by consumer and type. */
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;

  /** A second; 1,000 unless given. */
  @IsOptional()
  @IsNumber()
  @IsPositive()
  @Max(MOST_PER_S)
  rate?: number;
}

/** Which deliveries, and how. */
export class SelectionRequest extends RunRequest {
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1_000)
  @IsString({ each: true })
  @Length(1, 255, { each: true })
  ids?: string[];

  @IsOptional()
  @Matches(/^[0-9a-f]{32}$/, { message: 'traceId must be 32 hexadecimal digits in lower case' })
  traceId?: string;

  @IsOptional()
  @IsString()
  @Length(1, 128)
  type?: string;

  /** A pattern of topics. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  topic?: string;

  @IsOptional()
  @IsConsumer()
  consumer?: string;

  /** Stored from then on. */
  @IsOptional()
  @IsTime()
  from?: Date;

  /** Stored before then. */
  @IsOptional()
  @IsTime()
  before?: Date;

  /** End when so many were put on their way. */
  @IsOptional()
  @IsInt()
  @Min(1)
  atMost?: number;
}

/** What a request selects of all deliveries. */
export function selectionOf({ ids, traceId, type, topic, consumer, from, before }: SelectionRequest): ReplaySelection {
  return {
    ...(ids ? { messageIds: ids } : {}),
    ...(traceId === undefined ? {} : { traceId }),
    ...(type === undefined ? {} : { type }),
    ...(topic === undefined ? {} : { topic }),
    ...(consumer === undefined ? {} : { consumer }),
    ...(from === undefined ? {} : { from }),
    ...(before === undefined ? {} : { before }),
  };
}

/** How it is carried out. */
export const runOf = ({
  dryRun = false,
  rate = DEFAULT_RATE,
  atMost,
}: RunRequest & { readonly atMost?: number }): BulkRun & {
  readonly dryRun: boolean;
} => ({ dryRun, rate, ...(atMost === undefined ? {} : { atMost }) });
