import { type Kind, kindOf, UnreadableError, words } from './kinds.js';

/** What is wrong with a server's URL, without quoting it; undefined when nothing is. */
export function urlProblem(text: string): string | undefined {
  const hint = 'special characters in a password are written as %40 for @, %2F for /, and so on';
  if (!URL.canParse(text)) return `is no URL: ${hint}`;
  const { username, password, pathname } = new URL(text);
  if (pathname.includes('@')) return `has an @ after its host: ${hint}`;
  try {
    decodeURIComponent(username + password + pathname);
    return undefined;
  } catch {
    return `has a % that is not followed by two hexadecimal digits: ${hint}`;
  }
}

/** The same for Redis, whose URL ends with the number of a database, or before it. */
export function redisUrlProblem(text: string): string | undefined {
  const problem = urlProblem(text);
  if (problem !== undefined) return problem;
  const { pathname, search, hash } = new URL(text);
  return /^(\/\d{0,6})?$/.test(pathname) && search === '' && hash === ''
    ? undefined
    : 'has something after its host: only the number of a database may come there, as in redis://127.0.0.1:6379/2';
}

/** Variables whose values are not to be shown. */
export const isSecret = (variable: string): boolean => /_(URL|KEYS?|PASSWORD|SECRET|TOKENS?)$/.test(variable);

const NOT_SHOWN = 'not shown: it may hold a password or a key';

/** A file's path as an error may tell it: not what is a URL or a key, given where a file is to be named. */
export const shownPath = (path: string): string => (/[:@=]/.test(path) ? `the file (${NOT_SHOWN})` : path);

/** What a setting's error may quote of a value: nothing of what may be a URL, however malformed, since it may hold a password. */
export const quoted = (value: unknown, secret: boolean): string =>
  secret || (typeof value === 'string' && /[/@]/.test(value)) ? NOT_SHOWN : JSON.stringify(value);

/** Of URLs the servers alone; nothing of anything else. */
export const withoutSecrets = (value: string): string =>
  value
    .split(',')
    .map((text) => {
      if (text === '' || !/^\w+:\/\//.test(text) || !URL.canParse(text)) return text && '(not shown)';
      const { protocol, host, pathname } = new URL(text);
      return `${protocol}//${host}${pathname}`;
    })
    .join(',');

/** URLs of one server, or of several, separated by commas; code gives a list too. `named` is how an error names them. */
export const urls = (
  pattern: RegExp,
  named: string,
  problemOf: (url: string) => string | undefined,
): Kind<readonly string[]> => {
  const read = (text: string): readonly string[] => text.split(',');
  const problem = (given: readonly string[]): string | undefined =>
    given.every((url) => pattern.test(url))
      ? given.map(problemOf).find((found) => found !== undefined)
      : `must be ${named} URLs, separated by commas`;
  return {
    read,
    accept: (value) => {
      const given = typeof value === 'string' ? read(value) : value;
      if (!isListOfText(given)) throw new UnreadableError([`must be text, or a list of text, not ${kindOf(value)}`]);
      const found = given.length === 0 ? 'must have one URL or more' : problem(given);
      if (found !== undefined) throw new UnreadableError([found]);
      return given;
    },
    problem,
    show: (given) => given.join(','),
  };
};

const isListOfText = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string');

/** One URL, or none. */
export const urlOrNone = (pattern: RegExp, named: string): Kind<string> =>
  words({
    read: (text) => text,
    problem: (url) => (url === '' ? undefined : pattern.test(url) ? urlProblem(url) : `must be a ${named} URL`),
    show: (url) => url,
  });
