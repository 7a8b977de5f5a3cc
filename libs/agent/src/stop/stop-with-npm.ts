const LOOK_EVERY_MS = 250;

/**
 * Stops an app that npm, npx or the like has started when its parent ends. They pass a SIGTERM on to the shell that they run the
 * app in, and the shell ends without passing it on: the app would go on with nothing left to stop it by. Returns what ends the
 * watch.
 */
export function stopWithNpm(): () => void {
  if (process.env['npm_lifecycle_event'] === undefined) return () => undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    end();
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_EVERY_MS);
  timer.unref();
  // Told already, as by a Ctrl-C, which goes to all of a terminal's processes: another signal would end it at once.
  const end = (): void => {
    clearInterval(timer);
    process.off('SIGTERM', end).off('SIGINT', end);
  };
  process.on('SIGTERM', end).on('SIGINT', end);
  return end;
}
