import { ArrayMaxSize, IsArray, IsInt, IsNumber, IsString, Length, Max, Min } from 'class-validator';
import { Contract } from '../contract.js';

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
  @ArrayMaxSize(1000)
  @IsString({ each: true })
  @Length(1, 128, { each: true })
  capabilities!: string[];

  @IsString()
  instance!: string;

  @IsString()
  version!: string;
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

/** An agent is alive. Published to `registry.heartbeat`. */
@Contract({ type: 'agent_heartbeat', durable: false })
export class AgentHeartbeat {
  @IsString()
  @Length(1, 128)
  id!: string;

  @IsString()
  instance!: string;

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

/** An agent has missed its time-out. Broadcast by a monitor. */
@Contract({ type: 'agent_unhealthy', durable: false })
export class AgentUnhealthy {
  @IsString()
  @Length(1, 128)
  id!: string;

  @IsString()
  role!: string;

  /** RFC 3339. */
  @IsString()
  lastHeartbeat!: string;
}

/** An agent that was unhealthy is alive again. Broadcast by a monitor. */
@Contract({ type: 'agent_recovered', durable: false })
export class AgentRecovered {
  @IsString()
  @Length(1, 128)
  id!: string;

  @IsString()
  role!: string;
}

/** The topic of heartbeats. */
export const HEARTBEAT_TOPIC = 'registry.heartbeat';
