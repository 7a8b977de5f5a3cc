/**
 * Views are behind the hash: `/#/messages/<id>?tab=trace`.
 *
 *     href('/messages', { type: 'order' })   // for <a href>
 *     go('/messages')                         // by code
 *     location.value.query.get('type')        // follows the address
 *     setQuery({ type: undefined })           // filters: replaces the address, keeps the rest
 */
import { signal } from '@preact/signals';
import { type Query, withQuery } from '../api/client.js';

export interface Location {
  readonly path: string;
  readonly query: URLSearchParams;
}

export const location = signal<Location>(read());

addEventListener('hashchange', () => (location.value = read()));

function read(): Location {
  const [path = '', query = ''] = globalThis.location.hash.replace(/^#/, '').split('?', 2);
  return { path: path || '/', query: new URLSearchParams(query) };
}

export const href = (path: string, query: Query = {}): string => `#${withQuery(path, query)}`;

export function go(path: string, query: Query = {}): void {
  globalThis.location.hash = href(path, query);
}

/** An undefined or empty value leaves the name out. */
export function setQuery(changes: Readonly<Record<string, string | undefined>>): void {
  const { path, query } = location.value;
  const all = { ...Object.fromEntries(query), ...changes };
  history.replaceState(null, '', href(path, all));
  location.value = read();
}

/** The values of `pattern` (`/messages/:id`) in a path; undefined if it does not match. */
export function match(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const values: Record<string, string> = {};
  for (const [n, part] of wanted.entries()) {
    const text = given[n] ?? '';
    if (part.startsWith(':') && text !== '') values[part.slice(1)] = decode(text);
    else if (part !== text) return undefined;
  }
  return values;
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
