import { existsSync, readdirSync } from 'node:fs';
import { AgentMQError } from 'agentmq/contracts';

/** There is no such app. */
export class UnknownAppError extends AgentMQError {
  readonly code = 'UNKNOWN_APP';

  constructor(name: string, known: readonly string[]) {
    super(`there is no app "${name}"; there are: ${known.join(', ')}`);
  }
}

const apps = new URL('../../', import.meta.url);
const mainOf = (name: string): URL => new URL(`${name}/src/main.js`, apps);

/** Runs an app of this installation, built in apps/, in this process. Throws {@link UnknownAppError}. */
export async function start(name: string): Promise<void> {
  const known = readdirSync(apps).filter((app) => app !== 'cli' && existsSync(mainOf(app)));
  if (!known.includes(name)) throw new UnknownAppError(name, known);
  await import(mainOf(name).href);
}
