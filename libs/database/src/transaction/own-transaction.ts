import { AgentMQError } from 'agentmq/protocol';
import type { PoolClient, QueryConfig } from 'pg';
import type { QueryRunner } from 'typeorm';
import { CommitListeners, depthOf } from './commit-listeners.js';
import { isBroken, outageError, unavailable } from '../connection-errors.js';
import { TransactionEndedError, TransactionOwnedError } from '../errors.js';
import { RunnerTransaction } from './transaction.js';

export type Isolation = 'READ COMMITTED' | 'REPEATABLE READ';

/**
 * A transaction that the store itself opens, on a connection that is its own until it ends. What is asked of its runner
 * or manager goes through here on its way to the connection, so that nothing gets behind COMMIT or ROLLBACK, where it
 * would be committed by itself; and so that an error of this connection can be told from any other.
 */
export class OwnTransaction extends RunnerTransaction {
  private lost: Error | undefined;
  /** Of a statement after which the connection can't be used any more. */
  private broken: unknown;
  private ended = false;

  constructor(
    runner: QueryRunner,
    private readonly connection: PoolClient,
    /** Gives the connection back, or ends it if it broke with an error. */
    private readonly giveBack: (broken: unknown) => void,
  ) {
    super(runner);
    connection.on('error', this.onLost);
    const query = runner.query.bind(runner);
    const guarded = new Proxy(connection, {
      get: (target, key): unknown => {
        if (key === 'query') return this.send;
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function'
          ? (...args: unknown[]): unknown => Reflect.apply(value, target, args)
          : value;
      },
    });
    Object.assign(runner, {
      connect: () => Promise.resolve(guarded),
      query: async (...args: unknown[]): Promise<unknown> => {
        try {
          return await Reflect.apply(query, runner, args);
        } catch (error) {
          throw this.errorOf(error);
        }
      },
    });
    // also what TypeORM does when a savepoint can't be set: the rest of the handler would be committed statement by statement
    const [commit, rollBack] = [runner.commitTransaction.bind(runner), runner.rollbackTransaction.bind(runner)];
    const inside = (end: () => Promise<void>) => async (): Promise<void> => {
      if (!this.isOpen) throw this.refusal();
      if (depthOf(runner) <= 1) throw new TransactionOwnedError();
      await end();
    };
    Object.assign(runner, { commitTransaction: inside(commit), rollbackTransaction: inside(rollBack) });
    // A released runner refuses with an error of TypeORM's before it asks the connection, which knows why.
    Object.defineProperty(runner, 'isReleased', { get: () => false, set: () => {} });
  }

  async begin(isolation: Isolation): Promise<void> {
    await this.runner.startTransaction(isolation);
  }

  /** Throws `TransactionEndedError` when the database rolled back instead: a statement had failed. */
  async commit(): Promise<void> {
    if (!this.isOpen) throw this.refusal();
    if (this.hasSubscribers) await this.runner.broadcaster.broadcast('BeforeTransactionCommit');
    this.close();
    try {
      const { command } = await this.connection.query('COMMIT');
      if (command === 'ROLLBACK') throw new TransactionEndedError('rolled back: a statement of the transaction failed');
    } catch (error) {
      this.onError(error);
      throw this.errorOf(error);
    }
    CommitListeners.committed(this.runner);
    await this.tellSubscribers('AfterTransactionCommit');
  }

  /** A connection that is broken is not asked: behind a statement without an answer, ROLLBACK would wait as long again. */
  async rollBack(withinMs: number): Promise<void> {
    this.close();
    if (this.broken) return;
    try {
      const statement: QueryConfig & { readonly query_timeout: number } = { text: 'ROLLBACK', query_timeout: withinMs };
      await this.connection.query(statement);
    } catch (error) {
      this.broken ??= error;
      return;
    }
    await this.tellSubscribers('AfterTransactionRollback');
  }

  /** Stops watching the connection, and gives it back to the pool. */
  release(): void {
    this.close();
    this.connection.off('error', this.onLost);
    this.giveBack(this.broken);
  }

  /** Entity subscribers of the app's `DataSource`; one of AgentMQ's own has none. */
  private get hasSubscribers(): boolean {
    return this.dataSource.subscribers.length > 0;
  }

  /** What is committed, or rolled back, can't be undone by an error of a subscriber. */
  private async tellSubscribers(event: 'AfterTransactionCommit' | 'AfterTransactionRollback'): Promise<void> {
    if (!this.hasSubscribers) return;
    await this.runner.broadcaster.broadcast(event).catch((error: unknown) => {
      this.dataSource.logger.log('warn', `${event}: ${String(error)}`, this.runner);
    });
  }

  private close(): void {
    this.ended = true;
    Object.assign(this.runner, {
      isTransactionActive: false,
      startTransaction: () => Promise.reject(this.refusal()),
    });
  }

  private readonly onLost = (error: Error): void => {
    this.lost = error;
    this.broken ??= error;
    Object.assign(this.runner, { isTransactionActive: false });
  };

  private readonly send = (...args: unknown[]): unknown => {
    if (this.ended || this.lost) throw this.refusal();
    const answer: unknown = Reflect.apply(this.connection.query, this.connection, args);
    if (answer instanceof Promise) answer.catch(this.onError);
    return answer;
  };

  private readonly onError = (error: unknown): void => {
    if (isBroken(error)) this.broken ??= error;
  };

  private refusal(): Error {
    return this.lost ? unavailable(this.lost) : new TransactionEndedError('the transaction has ended');
  }

  /** What TypeORM wraps is the refusal above, or the driver's error. */
  private errorOf(error: unknown): unknown {
    const cause = (error as { readonly driverError?: unknown }).driverError;
    return cause instanceof AgentMQError ? cause : outageError(error);
  }
}
