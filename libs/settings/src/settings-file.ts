import { readSmallFile } from './bounded-file.js';
import type { Given } from './given.js';
import { shown, suggestion } from './suggestion.js';
import { readYamlEntries } from './yaml-entries.js';

const MOST_PROBLEMS = 20;

/**
 * Reads the configuration file. `variables` has the variable of each place that there is; the result has what is given, by
 * variable.
 */
export function readSettingsFile(
  path: string,
  variables: ReadonlyMap<string, string>,
): { readonly given: ReadonlyMap<string, Given>; readonly problems: readonly string[] } {
  const file = readSmallFile(path);
  if ('problem' in file) return { given: new Map(), problems: [`AGENTMQ_CONFIG: ${path} ${file.problem}`] };
  const given = new Map<string, Given>();
  const { entries, problems } = readYamlEntries(file.text);
  const wrong = problems.map(({ line, text }) => ({ line, text: () => text }));
  const known = [...variables.keys()];
  const sections = new Set(known.map((place) => place.split('.')[0]));
  for (const { place, line, value } of entries) {
    const variable = variables.get(place);
    if (variable !== undefined && value !== undefined) {
      given.set(variable, { value, origin: `${path}:${line}: ${place}` });
    } else if (variable !== undefined) {
      wrong.push({ line, text: () => `${place}: has no value: give one, or remove the key` });
    } else if (!sections.has(place)) {
      wrong.push({ line, text: () => `${shown(place)}: is no setting${suggestion(place, known)}` });
    } else if (value !== undefined) {
      wrong.push({ line, text: () => `${place}: is a section: its settings go under it, one a line` });
    }
  }
  wrong.sort((a, b) => a.line - b.line);
  const told = wrong.slice(0, MOST_PROBLEMS).map(({ line, text }) => `${path}:${line}: ${text()}`);
  const more = wrong.length - told.length;
  return { given, problems: more > 0 ? [...told, `${path}: ${more} more problems`] : told };
}
