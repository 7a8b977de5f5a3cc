import type { ElectionMachine } from 'agentmq/coordination';

/** A simulated process: the machine while it is up, its clock, and what keeps it from being told. */
export class Member {
  readonly id: string;
  /** As in the sets of members of a {@link Fault}. */
  readonly bit: number;
  /** Undefined while it is down, or starting. */
  machine: ElectionMachine | undefined;
  /** Counts its starts and ends, so that what is meant for an earlier life does not reach a later one. */
  life = 0;
  /** How many faults keep it down. */
  down = 0;
  /** How many faults pause it. */
  paused = 0;
  /** How many faults cut it from the database. */
  cut = 0;
  /** Whom it believes to have left, apart from those that have; sets of members, one for each such fault. */
  readonly blindFor: number[] = [];
  /** What has come in during a pause. */
  inbox: (() => void)[] = [];
  /** When its next tick is to run; Infinity: none is planned. */
  tickAt = Infinity;
  /** Its clock shows `skew + rate * now`. */
  private skew = 0;
  rate = 1;

  constructor(
    readonly index: number,
    readonly random: () => number,
  ) {
    this.id = String.fromCodePoint(97 + index);
    this.bit = 1 << index;
  }

  /** Each start has a clock of its own: up to a tenth too fast or too slow, and beginning anywhere. */
  setClock(): void {
    this.rate = 0.9 + this.random() * 0.2;
    this.skew = this.random() * 1_000_000;
  }

  clock(now: number): number {
    return this.skew + this.rate * now;
  }

  /** When its clock will show `time`, or a little more. */
  when(time: number): number {
    return (time - this.skew) / this.rate + 0.001;
  }
}
