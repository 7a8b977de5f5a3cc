import { ArrayMinSize, IsArray, IsBoolean, IsIn, IsOptional } from 'class-validator';
import { DELIVERY_STATES, type DeliveryState } from 'agentmq/message-store';
import { IsConsumer } from '../checks.js';
import { RunRequest, SelectionRequest } from './selection.js';

/** The body of `POST /replay`. */
export class ReplayRequest extends SelectionRequest {
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @IsIn(DELIVERY_STATES, { each: true })
  states?: DeliveryState[];

  @IsOptional()
  @IsConsumer()
  to?: string;
}

/** The body of `POST /move`. */
export class MoveRequest extends RunRequest {
  @IsConsumer()
  from!: string;

  @IsConsumer()
  to!: string;

  /** Dead letters too. */
  @IsOptional()
  @IsBoolean()
  dead?: boolean;

  @IsOptional()
  @IsBoolean()
  keepSubscriptions?: boolean;
}
