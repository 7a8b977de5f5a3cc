import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { Environment } from './environment.js';
import type { Given, Variables } from './given.js';
import { readGiven } from './read-given.js';
import { isSecret, quoted, redisUrlProblem, urlProblem } from './urls.js';

/** The variables with their defaults, each checked by itself. Problems begin with the variable's name. */
export function readEnvironment(
  variables: Variables,
  defaults: Partial<Environment>,
): { readonly env: Environment; readonly given: ReadonlyMap<string, Given>; readonly problems: string[] } {
  const { given, problems: unreadable } = readGiven(variables);
  const values = Object.fromEntries([...given].map(([name, { value }]) => [name, value]));
  const env = plainToInstance(Environment, { ...defaults, ...values }, { exposeDefaultValues: true });
  const problems = validateSync(env, { forbidUnknownValues: false }).map(
    ({ property, constraints, value }) =>
      `${property}: ${rulesOf(property, constraints)} (given: ${quoted(values[property] ?? value, isSecret(property) || given.get(property)?.secret === true)})`,
  );
  const urlProblems = {
    AMQP_URL: env.AMQP_URL.split(',').map(urlProblem),
    REDIS_URL: env.REDIS_URL.split(',').map(redisUrlProblem),
    DATABASE_URL: [urlProblem(env.DATABASE_URL)],
  };
  for (const [name, each] of Object.entries(urlProblems)) {
    if (!given.has(name) || problems.some((problem) => problem.startsWith(`${name}:`))) continue;
    for (const problem of each) if (problem !== undefined) problems.push(`${name}: ${problem}`);
  }
  return { env, given, problems: [...unreadable, ...problems] };
}

/** Names what is to be corrected: of a value that a file has, the place there in place of the variable. */
export function atOrigin(problem: string, given: ReadonlyMap<string, Given>): string {
  const [name = ''] = /^[A-Z0-9_]+(?=: )/.exec(problem) ?? [];
  const { origin = name } = given.get(name) ?? {};
  return origin + problem.slice(name.length);
}

/** class-validator's messages begin with the property's name. */
const rulesOf = (property: string, constraints: Record<string, string> = {}): string =>
  Object.values(constraints)
    .map((text) => text.replace(`${property} `, ''))
    .join(', ');
