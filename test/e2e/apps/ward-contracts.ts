import { Contract } from 'agentmq';
import { IsString } from 'class-validator';

/** Has a patient's handler hang until `GET /wake`. */
@Contract({ type: 'faint', durable: true })
export class Faint {}

/** Has a patient send to a role that no agent has yet. */
@Contract({ type: 'call_out', durable: true })
export class CallOut {
  @IsString()
  role!: string;
}
