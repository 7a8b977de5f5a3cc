import { IsString, Length } from 'class-validator';
import { Contract } from 'agentmq/protocol';

/** Asks an agent to stop gracefully: it finishes what it holds, and what it has not begun goes to others. */
@Contract({ type: 'agent_stop', durable: false })
export class AgentStop {
  @IsString()
  @Length(1, 128)
  agentId!: string;

  /** Of the instance that is meant: one that has taken its id since goes on. */
  @IsString()
  @Length(1, 128)
  instance!: string;

  /** For its log. */
  @IsString()
  @Length(1, 1_000)
  reason!: string;
}
