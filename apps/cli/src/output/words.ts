const counts = new Intl.NumberFormat('en-US');

/** 12,345. */
export const count = (number: number): string => counts.format(number);

/** `1 delivery`, `2 deliveries`. */
export const some = (number: number, one: string, many = `${one}s`): string =>
  `${count(number)} ${number === 1 ? one : many}`;

/** How long something took, to two or three digits: 12 ms, 3.40 s, 2 min 3 s, 1 h 4 min, 3 d 2 h. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

/** How long it took, or takes until now. */
export const between = (from: Date | null, to: Date | null): string =>
  from ? duration((to ?? new Date()).getTime() - from.getTime()) : '-';

/** How long ago that was, in one unit: 12 s, 3 min, 5 h, 2 d. */
export function age(at: Date | null | undefined, now = Date.now()): string {
  return at ? ageOf((now - at.getTime()) / 1_000) : '-';
}

/** In one unit. */
export function ageOf(given: number): string {
  const seconds = Math.max(0, Math.round(given));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** A rate: 0, 0.25, 3.4, 1,234. */
export const perSecond = (rate: number): string => {
  const digits = rate >= 100 ? 0 : rate >= 1 ? 1 : 2;
  return new Intl.NumberFormat('en-US', { maximumFractionDigits: digits }).format(rate);
};

/** `VALIDATION: order must be a number`. */
export const errorLine = (error: { readonly code: string; readonly message: string } | null | undefined): string =>
  error ? `${error.code}: ${error.message}` : '';
