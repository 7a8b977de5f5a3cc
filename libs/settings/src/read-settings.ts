import { validateSync } from 'class-validator';
import { UnreadableError } from './kinds.js';
import type { Given, Variables } from './given.js';
import { readGiven } from './read-given.js';
import { type GivenOptions, readOptions } from './read-options.js';
import { type DeclaredSetting, settingsOf } from './setting.js';
import { isSecret, quoted, withoutSecrets } from './urls.js';

/** A setting, and the object of its class that has it. */
export interface OwnedSetting extends DeclaredSetting {
  readonly owner: Record<string, unknown>;
  /** How code gives it: `bus.urls`. */
  readonly path: string;
}

/** What was found of the settings of one object. */
export interface ReadSettings {
  /** By variable. */
  readonly given: ReadonlyMap<string, Given>;
  /** One line for each; each begins with the variable, or with the place in the file or the option that its value came from. */
  readonly problems: readonly string[];
}

/** Where values come from, and what is wrong about settings together. */
export interface Sources {
  /** The environment's; a file's, if `AGENTMQ_CONFIG` names one, come after it. */
  readonly variables: Variables;
  /** What code gives: it wins. */
  readonly code?: GivenOptions;
  /** An app's own, by variable. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Tells what is wrong about settings together, beginning with the variable that is to blame. */
  readonly alsoWrong?: () => readonly string[];
}

/** All settings of an object: its own, and those of the objects of settings classes that it has. */
export function settingsIn(settings: object): OwnedSetting[] {
  const owned = (owner: object, section: string): OwnedSetting[] =>
    settingsOf(owner).map((setting) => ({
      ...setting,
      owner: owner as OwnedSetting['owner'],
      path: `${section}${setting.option}`,
    }));
  const parts = Object.entries(settings as OwnedSetting['owner']);
  return [
    ...owned(settings, ''),
    ...parts.flatMap(([name, part]) => (typeof part === 'object' && part ? owned(part, `${name}.`) : [])),
  ];
}

/** The place of each variable of an object's settings in the configuration file. */
export const placesIn = (settings: object): Map<string, string> =>
  new Map(settingsIn(settings).map(({ variable, place }) => [variable, place]));

/** Fills settings, which have their defaults already. */
export function readSettings(
  settings: object,
  { variables, code = { options: {}, origin: '' }, defaults = {}, alsoWrong = () => [] }: Sources,
): ReadSettings {
  const all = settingsIn(settings);
  const outside = readGiven(variables, placesIn(settings));
  const given = new Map(outside.given);
  const { values, problems: misplaced } = readOptions(code, new Set(all.map(({ path }) => path)));
  const unreadable = all.flatMap((setting) => {
    const { owner, variable, path, takes } = setting;
    if (values.has(path) && takes(owner)) return fillFromCode(setting, values.get(path), code.origin, given);
    const text = given.get(variable)?.value ?? defaults[variable];
    return text === undefined ? [] : fillFromText(setting, text);
  });
  const owners = new Set(all.map(({ owner }) => owner));
  const problems = [...[...owners].flatMap((owner) => brokenIn(owner, given)), ...unreadable, ...alsoWrong()];
  return {
    given,
    problems: [...outside.problems, ...misplaced, ...problems.map((problem) => atOrigin(problem, given))],
  };
}

const fillFromText = ({ owner, property, variable, kind }: OwnedSetting, text: string): string[] =>
  problemsOf(() => {
    owner[property] = kind.read(text);
  }).map((problem) => `${variable}: ${problem}`);

function fillFromCode(setting: OwnedSetting, value: unknown, origin: string, given: Map<string, Given>): string[] {
  const { owner, property, variable, path, kind } = setting;
  const named = `${origin}: ${path}`;
  return problemsOf(() => {
    const accepted = kind.accept(value);
    owner[property] = accepted;
    given.set(variable, { value: kind.show(accepted), origin: named });
  }).map((problem) => `${named}: ${problem}${givenInCode(value, variable)}`);
}

function problemsOf(fill: () => void): readonly string[] {
  try {
    fill();
    return [];
  } catch (error) {
    if (error instanceof UnreadableError) return error.problems;
    throw error;
  }
}

/** The end of an error about a value of code. Of an object the error has the kind alone: it may be large, or a secret. */
function givenInCode(value: unknown, variable: string): string {
  if (typeof value === 'string') return ` (given: ${quoted(value, isSecret(variable))})`;
  return typeof value === 'number' || typeof value === 'boolean' ? ` (given: ${value})` : '';
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
