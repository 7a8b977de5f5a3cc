import { MAX_TTL_MS } from 'agentmq/protocol';
import { checkWhole } from '../tasks/draft.js';
import type { FailurePolicy } from '../tasks/task.js';
import type { RunningTask } from '../tasks/worker/task-context.js';
import { NoTimeLeftError } from './errors.js';

const DEFAULT_CONCURRENCY = 16;
const MAX_CONCURRENCY = 1_000;
/** What is kept of a task's time, as a share of what is left, and at least. */
const RESERVE_SHARE = 0.1;
const LEAST_RESERVE_MS = 50;

export interface DelegationTermsOptions {
  /** At most so many parts are open at once, 1 to 1,000; 16 unless given. No more pieces are taken from their source. */
  readonly concurrency?: number;
  /** As the running task's unless given, `fail-fast` outside of one; the parts have it for their own parts in turn. */
  readonly onFailure?: FailurePolicy;
  /** How many attempts of each part may fail, 1 to 100; as the running task's unless given, 3 outside of one. */
  readonly attempts?: number;
  /** Within how many ms each part is to be done; never later than the running task's deadline without the reserve. */
  readonly deadline?: number;
  /** What is kept of the running task's time, in ms; a tenth of what is left unless given, and then at least 50. */
  readonly reserve?: number;
}

/** What the parts of one delegation are given. */
export interface DelegationTerms {
  readonly concurrency: number;
  readonly onFailure: FailurePolicy;
  readonly attempts: number | undefined;
  /** How long a part has that is made now, in ms; undefined for as long as any task. Throws {@link NoTimeLeftError}. */
  timeFor(now: number): number | undefined;
}

/** Throws `InvalidTaskError` naming the field. `now`: as of the task's `until`. */
export function termsOf(
  options: DelegationTermsOptions,
  whole: Pick<RunningTask, 'onFailure' | 'attempts' | 'until'> | undefined,
  now: number,
): DelegationTerms {
  const { concurrency = DEFAULT_CONCURRENCY, attempts = whole?.attempts, deadline, reserve } = options;
  checkWhole('concurrency', concurrency, MAX_CONCURRENCY);
  if (deadline !== undefined) checkWhole('deadline', deadline, MAX_TTL_MS);
  if (reserve !== undefined) checkWhole('reserve', reserve, MAX_TTL_MS, 0);
  const until = whole?.until;
  const reserveMs =
    until === undefined ? 0 : (reserve ?? Math.max(LEAST_RESERVE_MS, Math.ceil((until - now) * RESERVE_SHARE)));
  return {
    concurrency,
    onFailure: options.onFailure ?? whole?.onFailure ?? 'fail-fast',
    attempts,
    timeFor(moment) {
      if (until === undefined) return deadline;
      const left = Math.floor(until - reserveMs - moment);
      if (left < 1) throw new NoTimeLeftError(until - moment, reserveMs);
      return Math.min(left, deadline ?? MAX_TTL_MS);
    },
  };
}
