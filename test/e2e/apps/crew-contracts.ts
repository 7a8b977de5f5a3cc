import { Contract } from 'agentmq';
import { IsInt, IsString } from 'class-validator';

/** Takes a while, and leaves one row in the table `effects` together with its result. */
@Contract({ type: 'job' })
export class Job {
  @IsInt()
  n!: number;

  /** How long it takes, in ms. */
  @IsInt()
  ms!: number;
}

/** Takes a while, and writes nothing. */
@Contract({ type: 'piece' })
export class Piece {
  @IsInt()
  n!: number;

  /** How long it takes, in ms, times the worker's slowness. */
  @IsInt()
  ms!: number;
}

@Contract({ type: 'done' })
export class Done {
  @IsInt()
  n!: number;

  @IsString()
  by!: string;
}
