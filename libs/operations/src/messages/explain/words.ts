const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** `12 s`, `3 min`, `5 d`: a time in ms, for people. */
export function lasting(ms: number): string {
  const [unit, name] = UNITS.find(([each]) => ms >= each) ?? [1, 'ms'];
  return `${Math.max(0, Math.floor(ms / unit))} ${name}`;
}

/** How long ago, or until when, by the clock that both are of. */
export const between = (from: Date, to: Date): string => lasting(to.getTime() - from.getTime());

/** `worker-1, worker-2 and 3 more`. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3);
  const rest = names.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}
