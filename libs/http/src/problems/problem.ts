/** Why a request was not carried out: RFC 9457, with a code for programs. */
export interface Problem {
  readonly type: string;
  /** The same for all problems of one status. */
  readonly title: string;
  readonly status: number;
  /** For people: what was wrong with this request. */
  readonly detail: string;
  /** Stable: `CONTRACT_VIOLATION`, `UNKNOWN_TASK`, … */
  readonly code: string;
  /** Each field that was wrong. */
  readonly errors?: readonly FieldError[];
  readonly [extension: string]: unknown;
}

export interface FieldError {
  /** Its path: `payload.lines.0.amount`. */
  readonly field: string;
  readonly message: string;
}

export const PROBLEM_TYPE = 'application/problem+json';
