/** How a setting's text is read, checked and shown. */
export interface Kind<T = unknown> {
  /** What the text says; throws {@link UnreadableError} when it has problems of its own. */
  read(text: string): T;
  /** What is wrong with a value, as the end of a sentence ("must be …"); undefined when nothing is. */
  problem(value: T): string | undefined;
  /** The value as it would be given. */
  show(value: T): string;
  /** `s` for times, which are kept in ms. */
  readonly unit?: string;
  /** What is allowed, for docs/SETTINGS.md. */
  readonly range?: string;
}

/** A text with several parts, some of which are wrong. */
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
  return {
    read: (text) => {
      const value = Number(text);
      return isTime && !isWhole ? Math.round(value * factor) : value * factor;
    },
    problem: (value) => {
      const given = value / factor;
      if (isWhole ? !Number.isInteger(given) : !Number.isFinite(given))
        return isWhole ? 'must be an integer number' : 'must be a number';
      if (given < min) return `must not be less than ${min}`;
      return given > max ? `must not be greater than ${max}` : undefined;
    },
    show: (value) => String(value / factor),
    ...(isTime ? { unit: 's' } : {}),
    range: `${min} to ${max}`,
  };
}

export const oneOf = <T extends string>(values: readonly T[]): Kind<T> => ({
  read: (text) => text as T,
  problem: (value) =>
    values.includes(value) ? undefined : `must be one of the following values: ${values.join(', ')}`,
  show: (value) => value,
});

/** A text that the pattern matches; any unless given. `message` is what one that does not match must be. */
export const text = (pattern = /^/, message = ''): Kind<string> => ({
  read: (given) => given,
  problem: (value) => (pattern.test(value) ? undefined : message),
  show: (value) => value,
});

/** A text that `read` takes apart. It throws {@link UnreadableError} for what is wrong. */
export const parsed = <T>(read: (given: string) => T, show: (value: T) => string): Kind<T> => ({
  read,
  problem: () => undefined,
  show,
});
