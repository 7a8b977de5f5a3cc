import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsNotEmpty,
  IsNumber,
  IsObject,
  IsOptional,
  IsPositive,
  IsString,
  Length,
  Matches,
  Max,
  Min,
} from 'class-validator';
import type { DeliveryState, ReplaySelection } from 'agentmq/message-store';

export const DELIVERY_STATES = ['pending', 'processing', 'retrying', 'completed', 'dead', 'expired'] as const;
const consumerName = /^(role|agent)\.[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const consumerMessage = { message: '$property must be role.<role> or agent.<agent id>' };
const MOST_PER_S = 10_000;

const flag = Transform(({ value }: { value: unknown }) =>
  value === 'true' ? true : value === 'false' ? false : value,
);

/** The query of `GET /dead-letters`. */
export class DeadLettersQuery {
  @IsOptional()
  @IsString()
  @Length(1, 128)
  type?: string;

  @IsOptional()
  @Matches(consumerName, consumerMessage)
  consumer?: string;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000)
  limit?: number;

  /** The `next` of the page before. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  after?: string;

  /** Those that were discarded too. */
  @IsOptional()
  @flag
  @IsBoolean()
  discarded?: boolean;
}

/** The body of `POST /dead-letters/:id/requeue`. */
export class RequeueRequest {
  @IsOptional()
  @Matches(consumerName, consumerMessage)
  consumer?: string;

  /** In place of the old one. */
  @IsOptional()
  @IsObject()
  payload?: Record<string, unknown>;
}

/** The body of `POST /dead-letters/:id/discard`. */
export class DiscardRequest {
  @IsString()
  @Matches(/\S/, { message: 'reason must not be blank' })
  @Length(1, 1_000)
  reason!: string;

  @IsOptional()
  @Matches(consumerName, consumerMessage)
  consumer?: string;
}

/** Which deliveries, and how. */
class SelectionRequest {
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
  @Matches(consumerName, consumerMessage)
  consumer?: string;

  /** Stored from then on. */
  @IsOptional()
  @IsISO8601({ strict: true, strictSeparator: true })
  from?: string;

  /** Stored before then. */
  @IsOptional()
  @IsISO8601({ strict: true, strictSeparator: true })
  before?: string;

  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;

  /** A second; 1,000 unless given. */
  @IsOptional()
  @IsNumber()
  @IsPositive()
  @Max(MOST_PER_S)
  rate?: number;

  /** End when so many were put on their way. */
  @IsOptional()
  @IsInt()
  @Min(1)
  atMost?: number;
}

/** The body of `POST /dead-letters/requeue`. */
export class RequeueAllRequest extends SelectionRequest {
  /** Without anything that selects: all of them are meant. */
  @IsOptional()
  @IsBoolean()
  all?: boolean;
}

/** The body of `POST /replay`. */
export class ReplayRequest extends SelectionRequest {
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @IsIn(DELIVERY_STATES, { each: true })
  states?: DeliveryState[];

  @IsOptional()
  @Matches(consumerName, consumerMessage)
  to?: string;
}

/** The body of `POST /move`. */
export class MoveRequest {
  @Matches(consumerName, consumerMessage)
  from!: string;

  @Matches(consumerName, consumerMessage)
  to!: string;

  /** Dead letters too. */
  @IsOptional()
  @IsBoolean()
  dead?: boolean;

  @IsOptional()
  @IsBoolean()
  keepSubscriptions?: boolean;

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

/** The query of `GET /subscriptions`. */
export class SubscriptionsQuery {
  @IsOptional()
  @Matches(consumerName, consumerMessage)
  consumer?: string;
}

/** The body of `POST /subscriptions/end`. */
export class EndSubscriptionRequest {
  @Matches(consumerName, consumerMessage)
  consumer!: string;

  @IsString()
  @Length(1, 255)
  pattern!: string;
}

/** What a request selects. */
export function selectionOf(request: SelectionRequest & Pick<ReplayRequest, 'states'>): ReplaySelection {
  const { ids, traceId, type, topic, consumer, from, before, states } = request;
  return {
    ...(ids ? { messageIds: ids } : {}),
    ...(traceId === undefined ? {} : { traceId }),
    ...(type === undefined ? {} : { type }),
    ...(topic === undefined ? {} : { topic }),
    ...(consumer === undefined ? {} : { consumer }),
    ...(from === undefined ? {} : { from: new Date(from) }),
    ...(before === undefined ? {} : { before: new Date(before) }),
    ...(states ? { states } : {}),
  };
}
