import { IsString, Length } from 'class-validator';
import { Contract } from 'agentmq/protocol';

/** Asks an agent to stop gracefully: it finishes the messages that it has begun, and returns the rest to the queue. */
@Contract({ type: 'agent_stop', durable: false })
export class AgentStop {
  @IsString()
  @Length(1, 128)
  agentId!: string;

  /** The instance to stop. A newer instance of the same id ignores the message. */
  @IsString()
  @Length(1, 128)
  instance!: string;

  /** For its log. */
  @IsString()
  @Length(1, 1_000)
  reason!: string;
}
