import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { UsageError } from '../command/errors.js';

const WATCH = 'tools/dev/watch.mjs';

/** Runs the apps of this repository from their sources, anew when one changes; ends as that does. Rejects with `UsageError` elsewhere. */
export async function dev(apps: readonly string[]): Promise<void> {
  if (!existsSync(WATCH))
    throw new UsageError(
      'dev runs the apps of a clone of AgentMQ, in its folder; an app of your own is watched by the Nest CLI: npx nest start --watch',
    );
  const child = spawn(process.execPath, [WATCH, ...apps], { stdio: 'inherit' });
  // It is asked to end by the terminal, or by us: it has apps to stop, and we wait for that.
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGTERM', pass).on('SIGINT', pass);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGTERM', pass).off('SIGINT', pass);
  process.exitCode = code ?? 1;
}
