import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AgentMQError } from 'agentmq';

const OWN_APPS = 'an app of your own is started by its main file: node dist/main.js';

/** There is no such app. */
export class UnknownAppError extends AgentMQError {
  readonly code = 'UNKNOWN_APP';

  constructor(name: string, known: readonly string[]) {
    super(`there is no app "${name}"; ${known.length > 0 ? `there are: ${known.join(', ')}` : OWN_APPS}`);
  }
}

/** Runs an app of this installation, built from apps/, in this process. Throws {@link UnknownAppError}. */
export async function start(name: string): Promise<void> {
  const programs = programsFolder();
  const known = programs === undefined ? [] : appsIn(programs);
  if (programs === undefined || !known.includes(name)) throw new UnknownAppError(name, known);
  await import(pathToFileURL(join(programs, `${name}.js`)).href);
}

const appsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.js') && file !== 'cli.js')
    .map((file) => basename(file, '.js'));

/** Undefined where AgentMQ is a package that an app has installed: apps don't come along with it. */
function programsFolder(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve('agentmq/programs/cli'));
  } catch {
    return undefined;
  }
}
