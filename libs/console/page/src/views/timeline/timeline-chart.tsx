/**
 * Work over time: a row for each item, with its name at the left and its bars on the scale. On a phone the name is above the bars. A row
 * is a button that opens what `details` makes of its item.
 *
 *     <TimelineChart label="…" timeline={waterfallOf(trace)} name={(row) => …} details={(row) => <HopDetails … />} />
 */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { duration } from '../../ui/format.js';
import type { Bar, Timeline, TimelineRow } from './timeline.js';

export interface TimelineChartProps<Item> {
  readonly label: string;
  readonly timeline: Timeline<Item>;
  readonly name: (item: Item) => ComponentChildren;
  readonly note?: (item: Item) => ComponentChildren;
  readonly details?: (item: Item) => ComponentChildren;
  /** Rows that are shown at once; the rest after a click. */
  readonly most?: number;
}

const MOST = 100;

export function TimelineChart<Item>({ label, timeline, name, note, details, most = MOST }: TimelineChartProps<Item>) {
  const [opened, setOpened] = useState<string>();
  const [all, setAll] = useState(false);
  const { rows, ticks, length } = timeline;
  const shown = all ? rows : rows.slice(0, most);
  return (
    <div class="timeline">
      <Scale ticks={ticks} length={length} />
      <ol aria-label={label}>
        {shown.map((row) => {
          const isOpen = opened === row.key;
          return (
            <li key={row.key}>
              <button
                type="button"
                class="row"
                aria-expanded={isOpen}
                onClick={() => setOpened(isOpen ? undefined : row.key)}
              >
                <span class="name" style={{ '--depth': Math.min(row.depth, 8) }}>
                  {name(row.item)}
                </span>
                <Track row={row} length={length} ticks={ticks} />
                <span class="note">{note?.(row.item)}</span>
              </button>
              {isOpen && details && <div class="details">{details(row.item)}</div>}
            </li>
          );
        })}
      </ol>
      {shown.length < rows.length && (
        <button type="button" class="button quiet" onClick={() => setAll(true)}>
          Show {rows.length - shown.length} more
        </button>
      )}
    </div>
  );
}

const part = (at: number, length: number): string => `${((at / length) * 100).toFixed(3)}%`;

const Scale = ({ ticks, length }: { readonly ticks: readonly number[]; readonly length: number }) => (
  <div class="scale" aria-hidden="true">
    <div>
      {ticks.map((tick) => (
        <span key={tick} class={tick / length > 0.92 ? 'last' : ''} style={{ left: part(tick, length) }}>
          {tick === 0 ? '0' : duration(tick)}
        </span>
      ))}
    </div>
  </div>
);

function Track({ row, length, ticks }: { row: TimelineRow<unknown>; length: number; ticks: readonly number[] }) {
  return (
    <span class="track">
      {ticks.map((tick) => (
        <i key={tick} class="tick" style={{ left: part(tick, length) }} />
      ))}
      {row.bars.map((bar, index) => (
        <span
          key={index}
          class={`bar ${bar.kind} ${bar.outcome}`}
          style={{ left: part(bar.from, length), width: part(bar.to - bar.from, length) }}
          title={told(bar)}
        />
      ))}
      <span class="hidden">{row.bars.map(told).join(', ')}</span>
    </span>
  );
}

const outcomes = { completed: '', failed: ', failed', open: ', under way' } as const;
const told = ({ label, from, to, outcome }: Bar): string => `${label}: ${duration(to - from)}${outcomes[outcome]}`;

/** What the bars mean. */
export const TimelineLegend = () => (
  <ul class="legend" aria-label="Legend">
    <li>
      <span class="bar sending" /> sending
    </li>
    <li>
      <span class="bar waiting" /> waiting
    </li>
    <li>
      <span class="bar running completed" /> at work
    </li>
    <li>
      <span class="bar running failed" /> failed
    </li>
    <li>
      <span class="bar retry" /> to be retried
    </li>
  </ul>
);
