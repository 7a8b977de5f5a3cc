import { validateSync } from 'class-validator';
import { UnreadableError } from './kinds.js';
import type { Given, Variables } from './given.js';
import { readGiven } from './read-given.js';
import { type DeclaredSetting, settingsOf } from './setting.js';
import { isSecret, quoted, withoutSecrets } from './urls.js';

/** A setting, and the object of its class that has it. */
interface OwnedSetting extends DeclaredSetting {
  readonly owner: Record<string, unknown>;
}

/** What was found of the settings of one object. */
export interface ReadSettings {
  /** By variable. */
  readonly given: ReadonlyMap<string, Given>;
  /** One line for each; each begins with the variable, or with the place in the file that its value came from. */
  readonly problems: readonly string[];
}

/** All settings of an object: its own, and those of the objects of settings classes that it has. */
export function settingsIn(settings: object): OwnedSetting[] {
  const owner = settings as Record<string, unknown>;
  const own = settingsOf(settings).map((setting) => ({ ...setting, owner }));
  const parts = Object.values(owner).filter((part) => typeof part === 'object' && part !== null);
  return [
    ...own,
    ...parts.flatMap((part) =>
      settingsOf(part).map((setting) => ({ ...setting, owner: part as OwnedSetting['owner'] })),
    ),
  ];
}

/** The place of each variable of an object's settings in the configuration file. */
export const placesIn = (settings: object): Map<string, string> =>
  new Map(settingsIn(settings).map(({ variable, place }) => [variable, place]));

/**
 * Fills settings, which have their defaults already, with what is given in `variables` and in the file that `AGENTMQ_CONFIG`
 * names. `defaults`, by variable, are an app's own. `alsoWrong` tells what is wrong about settings together, beginning with the
 * variable that is to blame.
 */
export function readSettings(
  settings: object,
  variables: Variables,
  defaults: Readonly<Record<string, string>> = {},
  alsoWrong: () => readonly string[] = () => [],
): ReadSettings {
  const all = settingsIn(settings);
  const { given, problems: unreadable } = readGiven(variables, placesIn(settings));
  const inParts: string[] = [];
  for (const { owner, property, variable, kind } of all) {
    const text = given.get(variable)?.value ?? defaults[variable];
    if (text === undefined) continue;
    try {
      owner[property] = kind.read(text);
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error;
      inParts.push(...error.problems.map((problem) => `${variable}: ${problem}`));
    }
  }
  const owners = new Set(all.map((setting) => setting.owner));
  const problems = [...[...owners].flatMap((owner) => brokenIn(owner, given)), ...inParts, ...alsoWrong()];
  return { given, problems: [...unreadable, ...problems.map((problem) => atOrigin(problem, given))] };
}

/** The value of a setting as it would be given; of a secret no more than its server. */
export function shownValue({ owner, property, variable, kind }: OwnedSetting, given: Given | undefined): string {
  const value = kind.show(owner[property]);
  return given?.secret === true || isSecret(variable) ? withoutSecrets(value) : value;
}

function brokenIn(owner: OwnedSetting['owner'], given: ReadonlyMap<string, Given>): string[] {
  const declared = settingsOf(owner);
  return validateSync(owner, { forbidUnknownValues: false }).flatMap(({ property, constraints = {} }) => {
    const setting = declared.find((each) => each.property === property);
    if (!setting) return [];
    const { variable, kind } = setting;
    const { value = kind.show(owner[property]), secret = false } = given.get(variable) ?? {};
    return `${variable}: ${Object.values(constraints).join(', ')} (given: ${quoted(value, secret || isSecret(variable))})`;
  });
}

/** Names what is to be corrected: of a value that a file has, the place there in place of the variable. */
function atOrigin(problem: string, given: ReadonlyMap<string, Given>): string {
  const [name = ''] = /^[A-Z0-9_]+(?=: )/.exec(problem) ?? [];
  const { origin = name } = given.get(name) ?? {};
  return origin + problem.slice(name.length);
}
