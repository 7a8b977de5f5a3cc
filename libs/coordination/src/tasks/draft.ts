import {
  checkName,
  checkPriority,
  type ContractDefinition,
  DEFAULT_PRIORITY,
  InvalidMessageError,
  newMessageId,
  type TraceContext,
  writePayload,
} from 'agentmq/protocol';
import { DEFAULT_STRATEGY } from '../balancing/strategies.js';
import type { Destination } from '../distribution/destination.js';
import { InvalidTaskError } from './errors.js';
import type { FailurePolicy, TaskOptions } from './task.js';
import { LONGEST_MS } from './times.js';

export const DEFAULT_ATTEMPTS = 3;
export const MAX_ATTEMPTS = 100;
const MAX_KEY = 255;

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
}

/** Where a task comes from. */
export interface TaskOrigin {
  readonly submitter: string;
  readonly causeId?: string;
  readonly trace: TraceContext;
}

/** Throws {@link InvalidTaskError} naming the field, or `ContractViolationError`. */
export function draftOf<P extends object>(
  contract: ContractDefinition<P>,
  payload: P,
  options: Omit<TaskOptions, 'transaction'>,
  origin: TaskOrigin,
  { longestMs, strategies }: { readonly longestMs: number; readonly strategies: readonly string[] },
): TaskDraft {
  const {
    to,
    strategy = DEFAULT_STRATEGY,
    key,
    attempts = DEFAULT_ATTEMPTS,
    deadline,
    onFailure = 'fail-fast',
  } = options;
  if (contract.durable === false) throw new InvalidTaskError('contract', `${contract.type} is not durable`);
  if (!strategies.includes(strategy))
    throw new InvalidTaskError('strategy', `"${strategy}" is not one of ${strategies.join(', ')}`);
  if (key !== undefined && !isKey(key, MAX_KEY))
    throw new InvalidTaskError('key', `is not a text of 1 to ${MAX_KEY} characters without NUL`);
  checkWhole('attempts', attempts, MAX_ATTEMPTS);
  if (deadline !== undefined) checkWhole('deadline', deadline, LONGEST_MS);
  if (onFailure !== 'fail-fast' && onFailure !== 'partial')
    throw new InvalidTaskError('onFailure', `"${String(onFailure)}" is not one of fail-fast, partial`);
  return {
    ...origin,
    id: newMessageId(),
    type: contract.type,
    version: contract.version,
    payload: writePayload(contract, payload),
    destination: formatDestination(to),
    strategy,
    ...(key === undefined ? {} : { affinity: key }),
    priority: named('priority', () => checkPriority(options.priority ?? DEFAULT_PRIORITY)),
    attempts,
    onFailure,
    deadlineMs: deadline ?? longestMs,
  };
}

/** `role.worker`, `agent.worker-1` or `capability.resize`. Throws {@link InvalidTaskError}. */
export function formatDestination(to: Destination): string {
  const given: unknown = to;
  const [[kind, name] = ['', undefined], ...more] = Object.entries(
    typeof given === 'object' && given !== null ? given : {},
  ) as [string, unknown][];
  if (!['role', 'agent', 'capability'].includes(kind) || typeof name !== 'string' || more.length > 0)
    throw new InvalidTaskError('to', 'must be { role }, { agent } or { capability }');
  // a capability may be a glob
  named('to', () => checkName(kind, kind === 'capability' ? name.replaceAll('*', '_') : name));
  return `${kind}.${name}`;
}

/** What {@link formatDestination} wrote. */
export function parseDestination(text: string): Destination {
  const dot = text.indexOf('.');
  return { [text.slice(0, dot)]: text.slice(dot + 1) } as unknown as Destination;
}

/** Whether Postgres has such a text: without NUL, and without half a surrogate pair. */
export const isStorable = (text: unknown): text is string =>
  typeof text === 'string' && !/[\0\p{Surrogate}]/u.test(text);

export const isKey = (key: unknown, longest: number): key is string =>
  isStorable(key) && key.length >= 1 && key.length <= longest;

export function checkWhole(field: string, value: number, most: number): void {
  if (!(Number.isInteger(value) && value >= 1 && value <= most))
    throw new InvalidTaskError(field, `${value} is not a whole number from 1 to ${most}`);
}

function named<T>(field: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof InvalidMessageError ? new InvalidTaskError(field, error.problem) : error;
  }
}
