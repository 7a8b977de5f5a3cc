import { ArrayMaxSize, IsArray, IsInt, IsNumber, IsRFC3339, IsString, Length, Max, Min } from 'class-validator';
import { Contract } from '../contract.js';

/** The most capabilities of one agent. */
export const MAX_CAPABILITIES = 1_000;

/** An agent has joined, or come back as a new instance. Broadcast. */
@Contract({ type: 'agent_registered', durable: false })
export class AgentRegistered {
  @IsString()
  @Length(1, 128)
  id!: string;

  @IsString()
  @Length(1, 128)
  role!: string;

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
}

/** An agent can do more, or less, than it said when it registered. Broadcast. */
@Contract({ type: 'agent_updated', durable: false })
export class AgentUpdated {
  @IsString()
  @Length(1, 128)
  id!: string;

  @IsString()
  instance!: string;

  /** Counts the instance's heartbeats: what was said earlier than what is known is out of date. */
  @IsInt()
  @Min(0)
  sequence!: number;

  @IsArray()
  @ArrayMaxSize(MAX_CAPABILITIES)
  @IsString({ each: true })
  @Length(1, 128, { each: true })
  capabilities!: string[];
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
}

/** The topic of heartbeats. */
export const HEARTBEAT_TOPIC = 'registry.heartbeat';
