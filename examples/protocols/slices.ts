import { Contract } from 'agentmq';
import { IsInt, Min } from 'class-validator';

/** Rows of the table, one after the other. */
@Contract({ type: 'strike_slice' })
export class StrikeSlice {
  @IsInt()
  @Min(0)
  from!: number;

  /** The first that is not part of it. */
  @IsInt()
  to!: number;
}

/** Deals a slice out evenly, into so many. */
export function splitEvenly({ from, to }: StrikeSlice, slices: number): StrikeSlice[] {
  const edge = (n: number): number => from + Math.round((n * (to - from)) / slices);
  return Array.from({ length: slices }, (_, n) => ({ from: edge(n), to: edge(n + 1) }));
}
