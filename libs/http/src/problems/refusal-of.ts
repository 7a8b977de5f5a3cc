import { UnauthenticatedError } from '../errors.js';
import { PROBLEM_TYPE } from './problem.js';
import { problemOf } from './problem-of.js';

/** A problem as it is answered where there is no filter. */
export interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Resolves with the answer to what a caller is refused; undefined if it is admitted. */
export async function refusalOf(admission: Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await admission;
    return undefined;
  } catch (error) {
    const problem = problemOf(error);
    const refusal = { status: problem.status, type: PROBLEM_TYPE, text: JSON.stringify(problem) };
    return error instanceof UnauthenticatedError
      ? { ...refusal, headers: { 'www-authenticate': error.challenge } }
      : refusal;
  }
}
