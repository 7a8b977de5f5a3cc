import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AgentMQError } from 'agentmq/protocol';

/** There is no such app. */
export class UnknownAppError extends AgentMQError {
  readonly code = 'UNKNOWN_APP';

  constructor(name: string, known: readonly string[]) {
    super(`there is no app "${name}"; there are: ${known.join(', ')}`);
  }
}

/** Runs an app of this installation, built from apps/, in this process. Throws {@link UnknownAppError}. */
export async function start(name: string): Promise<void> {
  const programs = dirname(createRequire(import.meta.url).resolve('agentmq/programs/cli'));
  const known = readdirSync(programs)
    .filter((file) => file.endsWith('.js') && file !== 'cli.js')
    .map((file) => basename(file, '.js'));
  if (!known.includes(name)) throw new UnknownAppError(name, known);
  await import(pathToFileURL(join(programs, `${name}.js`)).href);
}
