import { Contract } from 'agentmq/contracts';
import { IsInt, IsString } from 'class-validator';

/** Has a patient's handler hang for so long. */
@Contract({ type: 'faint', durable: true })
export class Faint {
  @IsInt()
  ms!: number;
}

/** Has a patient send to a role that no agent has; what it sends expires after `ms`. */
@Contract({ type: 'call_out', durable: true })
export class CallOut {
  @IsString()
  role!: string;

  @IsInt()
  ms!: number;
}
