import type { QueryRunner } from 'typeorm';

interface Registered {
  readonly listener: () => void;
  /** How many transactions it is inside of: 1 for the outermost, one more for each savepoint. */
  depth: number;
}

/** TypeORM keeps it to itself. */
export const depthOf = (runner: QueryRunner): number =>
  (runner as unknown as { readonly transactionDepth: number }).transactionDepth;

const watched = new WeakMap<QueryRunner, CommitListeners>();

/**
 * Waits for the commit of what a TypeORM query runner has open, however the app commits it: `EntityManager.transaction`, the
 * runner's own methods, or a library's decorator all come to the two methods that are watched here.
 */
export class CommitListeners {
  private registered: Registered[] = [];

  private constructor(private readonly runner: QueryRunner) {
    const commit = runner.commitTransaction.bind(runner);
    const rollBack = runner.rollbackTransaction.bind(runner);
    Object.assign(runner, {
      commitTransaction: async (): Promise<void> => {
        const depth = depthOf(runner);
        // before an error of a subscriber to the commit, which comes too late to undo it
        await commit().finally(() => this.committed(depth));
      },
      rollbackTransaction: async (): Promise<void> => {
        const depth = depthOf(runner);
        await rollBack().finally(() => this.rolledBack(depth));
      },
    });
  }

  static of(runner: QueryRunner): CommitListeners {
    const known = watched.get(runner) ?? new CommitListeners(runner);
    watched.set(runner, known);
    return known;
  }

  /** Tells the listeners of the runner that what it had open is committed. For a commit that is none of TypeORM's. */
  static committed(runner: QueryRunner): void {
    watched.get(runner)?.tell();
  }

  /** Calls the listener, which must not throw, after the commit; after a rollback, also of a savepoint around it, never. */
  add(listener: () => void): void {
    this.registered.push({ listener, depth: depthOf(this.runner) });
  }

  /** `before`: how deep the runner was. What was inside of a released savepoint is the surrounding transaction's. */
  private committed(before: number): void {
    if (before === 1 && !this.runner.isTransactionActive) return this.tell();
    const depth = depthOf(this.runner);
    for (const each of this.registered) each.depth = Math.min(each.depth, depth);
  }

  private rolledBack(before: number): void {
    const depth = depthOf(this.runner);
    if (depth < before) this.registered = this.registered.filter((each) => each.depth <= depth);
  }

  private tell(): void {
    for (const { listener } of this.registered.splice(0)) listener();
  }
}
