import { Injectable } from '@nestjs/common';
import { contractOf, type PayloadClass } from 'agentmq/protocol';
import { currentTransaction } from 'agentmq/messaging';
import { Assignments } from '../tasks/worker/assignments.js';
import { isKey } from '../tasks/draft.js';
import { InvalidTaskError } from '../tasks/errors.js';
import { currentTask, type RunningTask } from '../tasks/worker/task-context.js';
import { Tasks } from '../tasks/client/tasks.js';
import type { Delegated, DelegationOptions } from './delegated.js';
import { RunningDelegation } from './running-delegation.js';
import { termsOf } from './terms.js';

/**
 * Has pieces of the work done by other agents. Within a `@Task` method each is a part of that task: cancelled with it, no longer
 * than it, found again by its next attempt. Elsewhere each is a task of its own. See docs/DELEGATION.md.
 */
@Injectable()
export class Delegation {
  /** How many delegations of each name the attempts at tasks have begun. */
  private readonly names = new WeakMap<RunningTask, Map<string, number>>();

  constructor(
    private readonly tasks: Tasks,
    private readonly assignments: Assignments,
  ) {}

  /**
   * Makes a task of each piece, and resolves when all of them are settled. With `fail-fast` the first one that fails for
   * good has the others cancelled, and this rejects with `PartFailedError`; with `partial` it is among `unfinished`.
   * Rejects with `NoTimeLeftError`; `TaskTakenError`, `TaskDeadlineError` or why else the running task's signal has
   * aborted; the reason of `signal`; what the pieces' source or `each` throws; and for bad input as `Tasks.submit` does.
   */
  async delegate<P extends object, Answer extends object>(
    contract: PayloadClass<P>,
    pieces: Iterable<P> | AsyncIterable<P>,
    options: DelegationOptions<P, Answer> & { readonly answer: PayloadClass<Answer> },
  ): Promise<Delegated<Answer>>;
  async delegate<P extends object>(
    contract: PayloadClass<P>,
    pieces: Iterable<P> | AsyncIterable<P>,
    options?: DelegationOptions<P, object>,
  ): Promise<Delegated<unknown>>;
  async delegate<P extends object>(
    contract: PayloadClass<P>,
    pieces: Iterable<P> | AsyncIterable<P>,
    options: DelegationOptions<P, object> = {},
  ): Promise<Delegated<unknown>> {
    if (currentTransaction())
      throw new InvalidTaskError('transaction', 'a transactional handler does not wait for the parts of its work');
    const whole = currentTask();
    const terms = termsOf(options, whole, performance.now());
    if (whole) terms.timeFor(performance.now());
    const name = this.nameIn(whole, contract, options.name);
    const job = { contract, options, terms, whole, name };
    return new RunningDelegation(this.tasks, this.assignments, job).run(pieces);
  }

  private nameIn(whole: RunningTask | undefined, contract: PayloadClass, given: string | undefined): string {
    if (given !== undefined && !(isKey(given, 50) && !/[/~]/.test(given)))
      throw new InvalidTaskError('name', 'is not a text of 1 to 50 characters other than /, ~ and NUL');
    const { type } = contractOf(contract);
    if (!whole) return type;
    const names = this.names.get(whole) ?? new Map<string, number>();
    this.names.set(whole, names);
    const name = given ?? type.slice(0, 50);
    const count = (names.get(name) ?? 0) + 1;
    if (count > 1 && given !== undefined) throw new InvalidTaskError('name', `"${given}" is another delegation's`);
    names.set(name, count);
    return count === 1 ? name : `${name}~${count}`;
  }
}
