import { readSmallFile } from './bounded-file.js';
import { shownPath } from './urls.js';
import type { Given, Variables } from './given.js';
import { readSettingsFile } from './settings-file.js';

/** `DATABASE_URL_FILE` is the path of a file that has the value of `DATABASE_URL`; so it is with every variable. */
const fileOf = (name: string): string => `${name}_FILE`;

const variablesByPlace = (places: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map(
    [...places].flatMap(([name, place]) => [
      [place, name],
      [`${place}_file`, fileOf(name)],
    ]),
  );

/**
 * Collects what is given: by the environment, else by the file that `AGENTMQ_CONFIG` names. An empty variable is not given.
 * `places` has the place of each variable in that file.
 */
export function readGiven(
  variables: Variables,
  places: ReadonlyMap<string, string>,
): {
  readonly given: ReadonlyMap<string, Given>;
  readonly problems: readonly string[];
} {
  const path = variables['AGENTMQ_CONFIG'];
  const file = path
    ? readSettingsFile(path, variablesByPlace(places))
    : { given: new Map<string, Given>(), problems: [] };
  const problems = [...file.problems];
  const given = new Map<string, Given>();
  const fromEnvironment = (name: string): Given | undefined => {
    const value = variables[name];
    return value ? { value, origin: name } : undefined;
  };
  for (const name of places.keys()) {
    for (const source of [fromEnvironment, (of: string) => file.given.get(of)]) {
      const value = source(name);
      // A setting that names a file by itself (its own `_FILE`) is no other's value.
      const secret = places.has(fileOf(name)) ? undefined : source(fileOf(name));
      if (value && secret) problems.push(`${secret.origin}: is given together with ${value.origin}: give one of them`);
      const found = value ?? (secret && readSecret(secret, problems));
      if (found) {
        given.set(name, found);
        break;
      }
    }
  }
  return { given, problems };
}

function readSecret({ value: path, origin }: Given, problems: string[]): Given | undefined {
  const file = readSmallFile(path);
  // Editors and `echo` end a file with a newline.
  const value = 'text' in file ? file.text.replace(/\r?\n$/, '') : '';
  if (value !== '') return { value, origin, secret: true };
  problems.push(`${origin}: ${shownPath(path)} ${'problem' in file ? file.problem : 'is empty'}`);
  return undefined;
}
