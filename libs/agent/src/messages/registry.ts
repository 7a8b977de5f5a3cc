import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsRFC3339,
  IsString,
  Length,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { Contract } from 'agentmq/protocol';

/** The most capabilities of one agent. */
export const MAX_CAPABILITIES = 1_000;

/** The most circuits that one agent tells of. */
export const MAX_CIRCUITS = 1_000;

/** A circuit of an agent to another agent, which is not closed. */
export class CircuitStatus {
  /** The id of the agent that it leads to. */
  @IsString()
  @Length(1, 128)
  agent!: string;

  @IsIn(['open', 'half_open'])
  state!: 'open' | 'half_open';

  @IsRFC3339()
  since!: string;
}

/** An agent has joined, or come back as a new instance. Broadcast. */
@Contract({ type: 'agent_registered', durable: false })
export class AgentRegistered {
  @IsString()
  @Length(1, 128)
  id!: string;

  /** The first of its roles. */
  @IsString()
  @Length(1, 128)
  role!: string;

  /** All of its roles. Older versions do not send it. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_CAPABILITIES)
  @IsString({ each: true })
  @Length(1, 128, { each: true })
  roles?: string[];

  @IsArray()
  @ArrayMaxSize(MAX_CAPABILITIES)
  @IsString({ each: true })
  @Length(1, 128, { each: true })
  capabilities!: string[];

  @IsString()
  instance!: string;

  /** Counts the registrations of the id, from 1. */
  @IsInt()
  @Min(1)
  incarnation!: number;

  @IsString()
  version!: string;

  /** By the database's clock. */
  @IsRFC3339()
  registeredAt!: string;

  /** The most messages that it handles at once. Older versions do not send it. */
  @IsOptional()
  @IsInt()
  @Min(1)
  concurrency?: number;
}

/** An agent can do more, or less, than it said when it registered, or has other circuits. Broadcast. */
@Contract({ type: 'agent_updated', durable: false })
export class AgentUpdated {
  @IsString()
  @Length(1, 128)
  id!: string;

  @IsString()
  instance!: string;

  /** Counts the instance's heartbeats: a lower one than is known is out of date. */
  @IsInt()
  @Min(0)
  sequence!: number;

  @IsArray()
  @ArrayMaxSize(MAX_CAPABILITIES)
  @IsString({ each: true })
  @Length(1, 128, { each: true })
  capabilities!: string[];

  /** Its circuits that are not closed. Older versions do not send it. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_CIRCUITS)
  @ValidateNested({ each: true })
  @Type(() => CircuitStatus)
  circuits?: CircuitStatus[];
}

/** An agent has left by its own will. Broadcast. */
@Contract({ type: 'agent_deregistered', durable: false })
export class AgentDeregistered {
  @IsString()
  @Length(1, 128)
  id!: string;

  @IsString()
  instance!: string;
}

/** An agent is alive, and reaches the broker. Published to `registry.heartbeat`. */
@Contract({ type: 'agent_heartbeat', durable: false })
export class AgentHeartbeat {
  @IsString()
  @Length(1, 128)
  id!: string;

  @IsString()
  instance!: string;

  /** Counts the instance's heartbeats, from 1. */
  @IsInt()
  @Min(1)
  sequence!: number;

  @IsArray()
  @ArrayMaxSize(MAX_CAPABILITIES)
  @IsString({ each: true })
  @Length(1, 128, { each: true })
  capabilities!: string[];

  @IsString()
  version!: string;

  /** 0 idle to 1 full. */
  @IsNumber()
  @Min(0)
  @Max(1)
  load!: number;

  /** Messages being handled. */
  @IsInt()
  @Min(0)
  inFlight!: number;

  /** The most messages that it handles at once. Older versions do not send it. */
  @IsOptional()
  @IsInt()
  @Min(1)
  concurrency?: number;

  /** Its circuits that are not closed. Older versions do not send it. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_CIRCUITS)
  @ValidateNested({ each: true })
  @Type(() => CircuitStatus)
  circuits?: CircuitStatus[];
}

/** The topic of heartbeats. */
export const HEARTBEAT_TOPIC = 'registry.heartbeat';
