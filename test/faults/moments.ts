/** When a process is to die, or to stand still: `kill after claim 3` is once the third claim has been committed, and before anybody knows. */
export interface Moment {
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  readonly when: 'before' | 'after' | 'in';
  /** A method of the message store, or `handler`. */
  readonly what: string;
  /** Counts the calls, from 1. */
  readonly count: number;
}

/** The moment that a text names; undefined for an empty one. Throws `TypeError` for any other. */
export function parseMoment(text: string): Moment | undefined {
  if (text === '') return undefined;
  const [, action, when, what, count] = /^(kill|stop) (before|after|in) ([a-zA-Z]+) ([1-9]\d*)$/.exec(text) ?? [];
  if ((when !== 'before' && when !== 'after' && when !== 'in') || what === undefined)
    throw new TypeError(`not a moment: "${text}"`);
  return { signal: action === 'kill' ? 'SIGKILL' : 'SIGSTOP', when, what, count: Number(count) };
}
