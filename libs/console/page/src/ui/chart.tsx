/**
 * Lines over time, drawn by uPlot in the colours of the theme:
 *
 *     <Chart label="Throughput" times={points.map(({ at }) => at)} unit={(value) => `${rate(value)}/s`}
 *       series={[{ label: 'Stored', colour: 'accent', values: points.map(({ stored }) => stored) }]} />
 *
 * A screen reader is told the latest values; a legend below follows the pointer.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { isDark } from '../state/preferences.js';

export interface Series {
  readonly label: string;
  readonly colour: 'accent' | 'good' | 'warn' | 'bad' | 'text-3';
  readonly values: readonly (number | undefined)[];
  readonly filled?: boolean;
}

export interface ChartProps {
  readonly label: string;
  /** ISO 8601, oldest first. */
  readonly times: readonly string[];
  readonly series: readonly Series[];
  readonly unit: (value: number) => string;
}

const HEIGHT = 168;

export function Chart({ label, times, series, unit }: ChartProps) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [at, setAt] = useState<number>();
  const dark = isDark();
  const data = [times.map((time) => Date.parse(time) / 1_000), ...series.map(({ values }) => [...values])];
  const shape = series.map(({ label: each }) => each).join();
  useEffect(() => {
    const place = element.current;
    if (!place) return undefined;
    const options = optionsOf(series, unit, (index) => setAt(index ?? undefined));
    const made = (plot.current = new uPlot(
      { ...options, width: place.clientWidth, height: HEIGHT },
      data as uPlot.AlignedData,
      place,
    ));
    const resized = new ResizeObserver(() => made.setSize({ width: place.clientWidth, height: HEIGHT }));
    resized.observe(place);
    return () => {
      resized.disconnect();
      made.destroy();
    };
  }, [dark, shape]);
  useEffect(() => plot.current?.setData(data as uPlot.AlignedData), [times, series]);
  const shown = at ?? times.length - 1;
  const told = (values: Series['values'], index: number): string => {
    const value = values[index];
    return value === undefined ? '–' : unit(value);
  };
  const summary = series.map(({ label: each, values }) => `${each} ${told(values, times.length - 1)}`).join(', ');
  return (
    <figure class="chart">
      <div ref={element} role="img" aria-label={`${label}, now: ${summary}`} />
      <figcaption aria-hidden="true">
        {series.map(({ label: each, colour, values }) => (
          <span key={each} class={`key ${colour}`}>
            {each} <b>{told(values, shown)}</b>
          </span>
        ))}
        {at !== undefined && times[at] && <span class="at">{new Date(times[at]).toLocaleTimeString('en-GB')}</span>}
      </figcaption>
    </figure>
  );
}

function optionsOf(
  series: readonly Series[],
  unit: ChartProps['unit'],
  onPointer: (index: number | null | undefined) => void,
): Omit<uPlot.Options, 'width' | 'height'> {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis: uPlot.Axis = {
    stroke: colour('text-3'),
    font: `11px ${style.getPropertyValue('--sans')}`,
    ticks: { show: false },
    grid: { stroke: colour('line'), width: 1 },
  };
  return {
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 90,
        size: 28,
        values: (_, seconds) => seconds.map((each) => clock(each, seconds)),
      },
      { ...axis, size: widthOf, space: 36, values: (_, values) => values.map((each) => unit(each)) },
    ],
    series: [
      {},
      ...series.map(({ colour: name, filled }) => ({
        stroke: colour(name),
        width: 1.5,
        points: { show: false },
        spanGaps: false,
        ...(filled ? { fill: `${colour(name)}16` } : {}),
      })),
    ],
    hooks: {
      setCursor: [({ cursor }) => onPointer(cursor.left !== undefined && cursor.left >= 0 ? cursor.idx : undefined)],
    },
  };
}

/** Of an axis, by its longest mark: `3 min 20 s` is long. */
const widthOf = (_: uPlot, marks: readonly string[] | null): number =>
  Math.max(52, 12 + 6 * Math.max(0, ...(marks ?? []).map(({ length }) => length)));

/** With seconds where marks are closer than a minute. */
function clock(at: number, marks: readonly number[]): string {
  const [first = 0, second = first + 60] = marks;
  const seconds = second - first < 60 ? ({ second: '2-digit' } as const) : {};
  return new Date(at * 1_000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', ...seconds });
}
