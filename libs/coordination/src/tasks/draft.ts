import {
  checkPriority,
  type ContractDefinition,
  DEFAULT_PRIORITY,
  InvalidMessageError,
  MAX_TTL_MS,
  newMessageId,
  type TraceContext,
} from 'agentmq/protocol';
import type { Sending } from 'agentmq/messaging';
import { DEFAULT_STRATEGY } from '../distribution/balancing/strategies.js';
import { type Destination, destinationName, destinationProblem } from '../distribution/destination.js';
import { IdempotencyKeyReusedError, InvalidTaskError } from './errors.js';
import type { FailurePolicy, TaskOptions } from './task.js';

export const DEFAULT_ATTEMPTS = 3;
export const MAX_ATTEMPTS = 100;
const MAX_KEY = 255;
const MAX_ID = 128;

/** The part that a task is of another. */
export interface PartOf {
  readonly taskId: string;
  readonly key: string;
  /** The parent's assignment, while the agent that has it makes the part: one that it has lost makes none. */
  readonly assignment?: string;
}

/** A task as it is written down first. */
export interface TaskDraft {
  readonly id: string;
  readonly part?: PartOf;
  readonly idempotencyKey?: string;
  readonly type: string;
  readonly version: number;
  /** JSON. */
  readonly payload: string;
  readonly destination: string;
  readonly strategy: string;
  readonly affinity?: string;
  readonly priority: number;
  readonly attempts: number;
  readonly onFailure: FailurePolicy;
  /** In ms from now; a part's is never later than that of the whole. */
  readonly deadlineMs: number;
  readonly submitter: string;
  readonly causeId?: string;
  readonly trace: TraceContext;
  /** What is told of its submission. */
  readonly sending?: Sending;
}

/** Of one task, but for the transaction that it is written in. */
export interface DraftOptions extends Omit<TaskOptions, 'transaction'> {
  /** The task's id, where its caller has one: to submit it again is to find the same task. A new one unless given. */
  readonly id?: string;
}

/** Where a task comes from. */
export interface TaskOrigin {
  readonly submitter: string;
  readonly causeId?: string;
}

/** `payload` is JSON. Throws {@link InvalidTaskError} naming the field. */
export function draftOf(
  contract: Pick<ContractDefinition, 'type' | 'version'>,
  payload: string,
  options: DraftOptions,
  origin: TaskOrigin,
  { longestMs, strategies }: { readonly longestMs: number; readonly strategies: readonly string[] },
): Omit<TaskDraft, 'trace'> {
  const {
    to = { capability: contract.type },
    strategy = DEFAULT_STRATEGY,
    key,
    attempts = DEFAULT_ATTEMPTS,
    deadline,
    onFailure = 'fail-fast',
    idempotencyKey,
    id = newMessageId(),
  } = options;
  if (!strategies.includes(strategy))
    throw new InvalidTaskError('strategy', `"${strategy}" is not one of ${strategies.join(', ')}`);
  for (const [field, text, longest] of [
    ['key', key, MAX_KEY],
    ['idempotencyKey', idempotencyKey, MAX_KEY],
    ['id', id, MAX_ID],
  ] as const)
    if (text !== undefined && !isKey(text, longest))
      throw new InvalidTaskError(field, `is not a text of 1 to ${longest} characters without NUL`);
  checkWhole('attempts', attempts, MAX_ATTEMPTS);
  if (deadline !== undefined) checkWhole('deadline', deadline, MAX_TTL_MS);
  if (onFailure !== 'fail-fast' && onFailure !== 'partial')
    throw new InvalidTaskError('onFailure', `"${String(onFailure)}" is not one of fail-fast, partial`);
  return {
    ...origin,
    id,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    type: contract.type,
    version: contract.version,
    payload,
    destination: formatDestination(to),
    strategy,
    ...(key === undefined ? {} : { affinity: key }),
    priority: named('priority', () => checkPriority(options.priority ?? DEFAULT_PRIORITY)),
    attempts,
    onFailure,
    deadlineMs: deadline ?? longestMs,
  };
}

/**
 * Of drafts with the same idempotency key, the first; in the order of the keys, so that two calls that repeat each other do
 * not wait for each other. Throws {@link IdempotencyKeyReusedError}.
 */
export function distinct(drafts: readonly TaskDraft[]): TaskDraft[] {
  const found = new Map<string, TaskDraft>();
  for (const draft of drafts) {
    const { id, idempotencyKey = id } = draft;
    const { payload } = found.get(idempotencyKey) ?? draft;
    if (payload !== draft.payload) throw new IdempotencyKeyReusedError(idempotencyKey);
    if (!found.has(idempotencyKey)) found.set(idempotencyKey, draft);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, draft]) => draft);
}

/** `role.worker`, `agent.worker-1` or `capability.resize`. Throws {@link InvalidTaskError}. */
export function formatDestination(to: Destination): string {
  const problem = destinationProblem(to);
  if (problem !== undefined) throw new InvalidTaskError('to', problem);
  return destinationName(to);
}

/** Whether Postgres has such a text: without NUL, and without half a surrogate pair. */
export const isStorable = (text: unknown): text is string =>
  typeof text === 'string' && !/[\0\p{Surrogate}]/u.test(text);

export const isKey = (key: unknown, longest: number): key is string =>
  isStorable(key) && key.length >= 1 && key.length <= longest;

export function checkWhole(field: string, value: number, most: number, least = 1): void {
  if (!(Number.isInteger(value) && value >= least && value <= most))
    throw new InvalidTaskError(field, `${value} is not a whole number from ${least} to ${most}`);
}

function named<T>(field: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof InvalidMessageError ? new InvalidTaskError(field, error.problem) : error;
  }
}
