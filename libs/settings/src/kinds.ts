import { isDeepStrictEqual } from 'node:util';

/** How a setting's text is read, checked and shown. */
export interface Kind<T = unknown> {
  /** What the text says; throws {@link UnreadableError} when it has problems of its own. */
  read(text: string): T;
  /** The value that code gives, once its type is checked. Throws {@link UnreadableError} when it is none of this kind. */
  accept(value: unknown): T;
  /** What is wrong with a value, as the end of a sentence ("must be …"); undefined when nothing is. */
  problem(value: T): string | undefined;
  /** The value as it would be given. */
  show(value: T): string;
  /** `s` for times, which are kept in ms. */
  readonly unit?: string;
  /** What is allowed, for docs/SETTINGS.md. */
  readonly range?: string;
}

/** A value with problems, each the end of a sentence: one for each part of a text that is wrong. */
export class UnreadableError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}

const SECOND_MS = 1_000;

/** A whole number. */
export const whole = (min: number, max: number): Kind<number> => number(min, max, { whole: true });
/** A number, fractions allowed. */
export const fraction = (min: number, max: number): Kind<number> => number(min, max, { whole: false });
/** A time, given in whole seconds, kept in ms. */
export const seconds = (min: number, max: number): Kind<number> => number(min, max, { whole: true, isTime: true });
/** A time, given in seconds with fractions allowed, kept in ms. */
export const secondsOrLess = (min: number, max: number): Kind<number> =>
  number(min, max, { whole: false, isTime: true });

function number(
  min: number,
  max: number,
  { whole: isWhole, isTime = false }: { readonly whole: boolean; readonly isTime?: boolean },
): Kind<number> {
  const factor = isTime ? SECOND_MS : 1;
  const bounds = (given: number, scale: number, unit: string): string | undefined => {
    if (given < min * scale) return `must not be less than ${min * scale}${unit}`;
    return given > max * scale ? `must not be greater than ${max * scale}${unit}` : undefined;
  };
  return {
    read: (text) => {
      const value = Number(text);
      return isTime && !isWhole ? Math.round(value * factor) : value * factor;
    },
    accept: (value) => {
      const problemOf = (given: number): string | undefined => {
        if (!Number.isFinite(given)) return 'must be a finite number';
        const outOfBounds = bounds(given, factor, isTime ? ' ms' : '');
        if (outOfBounds !== undefined || !isWhole || Number.isInteger(given / factor)) return outOfBounds;
        return isTime ? 'must be whole seconds, in ms' : 'must be an integer number';
      };
      return passed(typed('number', value), problemOf);
    },
    problem: (value) => {
      const given = value / factor;
      if (isWhole ? !Number.isInteger(given) : !Number.isFinite(given))
        return isWhole ? 'must be an integer number' : 'must be a number';
      return bounds(given, 1, '');
    },
    show: (value) => String(value / factor),
    ...(isTime ? { unit: 's' } : {}),
    range: `${min} to ${max}`,
  };
}

export const oneOf = <T extends string>(values: readonly T[]): Kind<T> =>
  words({
    read: (text) => text as T,
    problem: (value) =>
      values.includes(value) ? undefined : `must be one of the following values: ${values.join(', ')}`,
    show: (value) => value,
  });

/** A text that the pattern matches; any unless given. `message` is what one that does not match must be. */
export const text = (pattern = /^/, message = ''): Kind<string> =>
  words({
    read: (given) => given,
    problem: (value) => (pattern.test(value) ? undefined : message),
    show: (value) => value,
  });

/** A kind whose values are texts. */
export const words = <T extends string>(kind: Omit<Kind<T>, 'accept'>): Kind<T> => ({
  ...kind,
  accept: (value) => passed(typed('string', value) as T, (given) => kind.problem(given)),
});

/** A list that is given as text, which `read` takes apart. It throws {@link UnreadableError} for what is wrong. */
export const parsed = <T extends readonly unknown[]>(
  read: (given: string) => T,
  show: (value: T) => string,
): Kind<T> => ({
  read,
  // What is allowed is known to `read` alone, so a list is checked by writing it as text.
  accept: (value) => {
    if (!Array.isArray(value)) throw new UnreadableError([`must be a list, not ${kindOf(value)}`]);
    const given = value as unknown as T;
    const again = read(written(() => show(given)));
    if (!isDeepStrictEqual(again, given)) throw new UnreadableError([MALFORMED]);
    return given;
  },
  problem: () => undefined,
  show,
});

const MALFORMED = 'has an entry that is not of the type that the option has';

function written(show: () => string): string {
  try {
    return show();
  } catch {
    throw new UnreadableError([MALFORMED]);
  }
}

function typed(type: 'number', value: unknown): number;
function typed(type: 'string', value: unknown): string;
function typed(type: 'number' | 'string', value: unknown): unknown {
  if (typeof value === type) return value;
  throw new UnreadableError([`must be a ${type}, not ${kindOf(value)}`]);
}

/** What a value is, for an error. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Promise) return 'a promise';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function passed<T>(value: T, problemOf: (value: T) => string | undefined): T {
  const problem = problemOf(value);
  if (problem !== undefined) throw new UnreadableError([problem]);
  return value;
}
