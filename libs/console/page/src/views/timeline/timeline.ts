/** Work over time, as rows of bars below one scale: of a trace, of a task and its parts, of a pipeline. */
export interface Timeline<Item> {
  readonly rows: readonly TimelineRow<Item>[];
  /** The times at which the scale has a line, in ms from its start. */
  readonly ticks: readonly number[];
  /** The length of the scale in ms, above 0. */
  readonly length: number;
}

export interface TimelineRow<Item> {
  readonly key: string;
  readonly item: Item;
  /** 0 for what nothing else caused. */
  readonly depth: number;
  readonly bars: readonly Bar[];
}

/**
 * - `sending`: with its sender, or queued for an agent to be chosen
 * - `waiting`: at the broker, or with its agent, but not begun
 * - `retry`: an attempt has failed, the next has not begun
 * - `running`: an agent works on it
 */
export type BarKind = 'sending' | 'waiting' | 'retry' | 'running';
export type BarOutcome = 'completed' | 'failed' | 'open';

export interface Bar {
  readonly kind: BarKind;
  /** In ms from the start of the scale. */
  readonly from: number;
  /** Not below `from`. */
  readonly to: number;
  /** How it ended; `open`: it has not. */
  readonly outcome: BarOutcome;
  /** For people: `attempt 2 on worker-1`. */
  readonly label: string;
}

const TICKS = 6;

/** Puts rows below a scale that holds them all. */
export function timelineOf<Item>(rows: readonly TimelineRow<Item>[]): Timeline<Item> {
  const length = Math.max(1, ...rows.flatMap(({ bars }) => bars.map(({ to }) => to)));
  return { rows, length, ticks: ticksOf(length) };
}

/** At most six round times within `length`, from 0. */
export function ticksOf(length: number): number[] {
  const step = steps.find((each) => length / each < TICKS) ?? length;
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, index) => index * step);
}

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];
const steps = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 20].map((n) => n * SECOND),
  ...[0.5, 1, 2, 5, 10, 20].map((n) => n * MINUTE),
  ...[0.5, 1, 2, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 30].map((n) => n * DAY),
];

/** A bar between two times, or none where the first is not known. Clocks of two agents may differ: it never ends before it begins. */
export function barOf(
  start: number,
  from: string | null | undefined,
  to: string | null | undefined,
  what: Pick<Bar, 'kind' | 'outcome' | 'label'>,
): Bar[] {
  if (from === null || from === undefined) return [];
  const begin = Math.max(0, Date.parse(from) - start);
  return [{ ...what, from: begin, to: to ? Math.max(begin, Date.parse(to) - start) : begin }];
}
