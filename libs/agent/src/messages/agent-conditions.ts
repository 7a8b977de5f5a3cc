import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsRFC3339,
  IsString,
  Length,
  Min,
} from 'class-validator';
import { Contract } from 'agentmq/protocol';

/**
 * Asks an agent how it is. As a request to the agent it passes the agent's own inbox and takes one of its places, as any other
 * message to it. Announced to the agent's topic it passes no inbox: the answer, {@link AgentVitals}, is announced to the
 * topic of the asker.
 */
@Contract({ type: 'agent_probe', durable: false })
export class AgentProbe {
  /** Agent id of the monitor. */
  @IsString()
  @Length(1, 128)
  asker!: string;
}

/** How an agent is, by its own word. */
@Contract({ type: 'agent_vitals', durable: false })
export class AgentVitals {
  @IsString()
  @Length(1, 128)
  agent!: string;

  @IsString()
  @Length(1, 128)
  instance!: string;

  /** For how long, in ms, all places of one of its inboxes have been taken without a handler ending; absent when each has a free place. */
  @IsOptional()
  @IsInt()
  @Min(0)
  stalled?: number;
}

/** The topic by which an agent hears {@link AgentProbe} apart from its inbox. */
export const probeTopic = (agentId: string): string => `agents.probe.${agentId}`;

/** The topic by which the asker hears {@link AgentVitals}. */
export const vitalsTopic = (asker: string): string => `agents.vitals.${asker}`;

/**
 * An agent has become unhealthy, or is so for other reasons than before. Broadcast by the monitor that leads, once for each
 * change. `reasons` are of `dead`, `suspect`, `not_answering`, `falls_behind`, `circuit_open`, `outbox_stuck`: see
 * docs/MONITORING.md. Later versions may have more.
 */
@Contract({ type: 'agent_unhealthy', durable: true })
export class AgentUnhealthy {
  @IsString()
  @Length(1, 128)
  agent!: string;

  @IsString()
  @Length(1, 128)
  role!: string;

  @IsString()
  @Length(1, 128)
  instance!: string;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(32)
  @IsString({ each: true })
  @Length(1, 64, { each: true })
  reasons!: string[];

  /** For people. */
  @IsString()
  @Length(1, 1_000)
  detail!: string;

  /** When it became unhealthy, by the database's clock; a change of the reasons does not change it. */
  @IsRFC3339()
  since!: string;
}

/** An agent of which {@link AgentUnhealthy} was told is unhealthy no more. Broadcast by the monitor that leads, once. */
@Contract({ type: 'agent_recovered', durable: true })
export class AgentRecovered {
  @IsString()
  @Length(1, 128)
  agent!: string;

  @IsString()
  @Length(1, 128)
  role!: string;

  /** The instance that is well, or that was the last one. */
  @IsString()
  @Length(1, 128)
  instance!: string;

  /** `left`: it has stopped, or is forgotten after a long silence. */
  @IsIn(['healthy', 'left'])
  outcome!: 'healthy' | 'left';

  /** Since when it was unhealthy, by the database's clock. */
  @IsRFC3339()
  since!: string;
}
