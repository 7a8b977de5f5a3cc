/** Numbers and times as people read them. Pure: nothing here renders. */
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** 1,204 */
export const count = (value: number): string => whole.format(value);

/** 1,204, from 100,000 on 123.4K */
export const compact = (value: number): string =>
  Math.abs(value) < 100_000 ? whole.format(value) : short.format(value);

/** 980, from 1,000 on 1.2K: where there is little room */
export const brief = (value: number): string => short.format(value);

/** `1,204 messages`, `1 message` */
export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** A rate a second, without its unit: 0, 0.04, 3.2, 148 */
export function rate(value: number): string {
  if (value === 0) return '0';
  if (value < 0.1) return value < 0.01 ? '<0.01' : value.toFixed(2);
  return value < 10 ? value.toFixed(1) : compact(value);
}

/** A time in ms: 0.4 ms, 38 ms, 1.2 s, 4 min 10 s, 2 h 5 min, 3 d 4 h */
export function duration(ms: number): string {
  if (ms === 0) return '0 s';
  if (ms < 1) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return both(days, 'd', hours, 'h');
  if (hours > 0) return both(hours, 'h', minutes, 'min');
  return minutes > 0 ? both(minutes, 'min', seconds % 60, 's') : `${seconds} s`;
}

const both = (large: number, unit: string, small: number, smaller: string): string =>
  small > 0 ? `${large} ${unit} ${small} ${smaller}` : `${large} ${unit}`;

/** `just now`, `12 s ago`, `in 3 min`: one unit, of a time in ms from now. */
export function relative(fromNowMs: number): string {
  const seconds = Math.round(Math.abs(fromNowMs) / 1_000);
  if (seconds < 2) return 'just now';
  const [value, unit] =
    seconds < 60
      ? [seconds, 's']
      : seconds < 3_600
        ? [Math.floor(seconds / 60), 'min']
        : seconds < 86_400
          ? [Math.floor(seconds / 3_600), 'h']
          : [Math.floor(seconds / 86_400), 'd'];
  return fromNowMs < 0 ? `${value} ${unit} ago` : `in ${value} ${unit}`;
}

/** `27 Nov 2026, 00:41:03`, and with `UTC` at its end where that is asked for. */
export function absolute(at: Date, zone: 'local' | 'utc' = 'local'): string {
  const text = at.toLocaleString('en-GB', {
    dateStyle: 'medium',
    timeStyle: 'medium',
    ...(zone === 'utc' ? { timeZone: 'UTC' } : {}),
  });
  return zone === 'utc' ? `${text} UTC` : text;
}

/** Of a long id the ends: `0198f2c4…7a1e`. */
export const shortId = (id: string): string => (id.length > 20 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id);
