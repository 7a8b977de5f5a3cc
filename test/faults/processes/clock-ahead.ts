/**
 * Loaded before an app (`node --import`): its clock is `CLOCK_AHEAD_MS` ahead of the machine's. Timers and
 * `performance.now()` do not look at the clock, and go on as ever.
 */
export const aheadMs = Number(process.env['CLOCK_AHEAD_MS'] ?? 0);
const SystemDate = Date;
const now = (): number => SystemDate.now() + aheadMs;

globalThis.Date = new Proxy(SystemDate, {
  construct: (target, given: unknown[], newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as Date,
  apply: () => new Date(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)) as unknown,
});
