import { IsString, Length } from 'class-validator';
import { Contract } from 'agentmq/protocol';

/** The topic by which agents hear {@link PausesChanged}. */
export const PAUSES_TOPIC = 'agents.pauses';

/** How long it means anything, in ms: agents read their pauses with each heartbeat, too. */
export const PAUSES_TTL_MS = 10_000;

/** A pause has begun or ended. Agents that it concerns read the record, which alone they believe. */
@Contract({ type: 'pauses_changed', durable: false })
export class PausesChanged {
  /** `role.worker` or `agent.worker-1`. */
  @IsString()
  @Length(1, 200)
  target!: string;
}
