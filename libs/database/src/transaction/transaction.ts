import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { CommitListeners } from './commit-listeners.js';
import { outageError } from '../connection-errors.js';

/**
 * An open transaction on the database. `query` runs a caller's own statements inside it. Once it has ended,
 * `query` and `manager` reject with `TransactionEndedError`.
 */
export interface Transaction {
  /** False from the moment on that it is being committed or rolled back. */
  readonly isOpen: boolean;
  /** For writes by TypeORM inside it. */
  readonly manager: EntityManager;
  query<Row = unknown>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /**
   * Calls the listener, which must not throw, once this transaction is known to be committed: never after a rollback, also
   * of the savepoint that it was called in.
   */
  onCommit(listener: () => void): void;
}

/** The transaction that a TypeORM query runner has open. */
export class RunnerTransaction implements Transaction {
  constructor(readonly runner: QueryRunner) {}

  get isOpen(): boolean {
    return this.runner.isTransactionActive && !this.runner.isReleased;
  }

  get dataSource(): DataSource {
    return this.runner.dataSource;
  }

  get manager(): EntityManager {
    return this.runner.manager;
  }

  onCommit(listener: () => void): void {
    CommitListeners.of(this.runner).add(listener);
  }

  async query<Row = unknown>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    try {
      const result = await this.runner.query(sql, [...parameters], true);
      return (result.records ?? []) as Row[];
    } catch (error) {
      throw outageError(error);
    }
  }
}

/**
 * The transaction that a caller opened through its own TypeORM `DataSource` on the same database, for `append` and
 * `complete` to join. Throws `TypeError` when the manager is in none.
 */
export function transactionOf(manager: EntityManager): Transaction {
  if (!manager.queryRunner?.isTransactionActive) throw new TypeError('the EntityManager is not in a transaction');
  return new RunnerTransaction(manager.queryRunner);
}

/** A transaction of the store's own, or of a caller's TypeORM `DataSource` on the same database. */
export type CallerTransaction = Transaction | EntityManager;

/** Throws `TypeError` for an EntityManager that is in no transaction. */
export const transactionGiven = (given: CallerTransaction): Transaction =>
  'manager' in given ? given : transactionOf(given);
