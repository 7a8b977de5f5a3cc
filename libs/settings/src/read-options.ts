import { kindOf } from './kinds.js';
import { shown, suggestion } from './suggestion.js';

/** Settings that code gives. */
export interface GivenOptions {
  readonly options: unknown;
  /** How errors name what was called with them: `AgentModule.forRoot`. */
  readonly origin: string;
}

/**
 * Reads an object of options, in which sections are objects. `known` has the path of each option there is: `bus.urls`. The result
 * has the values by path; what is undefined is not given.
 */
export function readOptions(
  { options, origin }: GivenOptions,
  known: ReadonlySet<string>,
): { readonly values: ReadonlyMap<string, unknown>; readonly problems: readonly string[] } {
  const values = new Map<string, unknown>();
  const problems: string[] = [];
  const sections = new Set([...known].filter((path) => path.includes('.')).map((path) => path.split('.')[0]));
  read(options, '');
  return { values, problems };

  function read(section: unknown, prefix: string): void {
    if (typeof section !== 'object' || section === null || Array.isArray(section)) {
      problems.push(`${origin}: ${prefix.slice(0, -1) || 'settings'}: must be an object, not ${kindOf(section)}`);
      return;
    }
    for (const [key, value] of Object.entries(section)) {
      const path = `${prefix}${key}`;
      if (value === undefined) continue;
      if (known.has(path)) values.set(path, value);
      else if (sections.has(path)) read(value, `${path}.`);
      else problems.push(`${origin}: ${shown(path)}: is no setting${suggestion(path, [...known])}`);
    }
  }
}
