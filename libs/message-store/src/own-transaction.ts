import { AgentMQError } from 'agentmq/contracts';
import type { Client } from 'pg';
import { QueryFailedError, type QueryRunner } from 'typeorm';
import { outageError, unavailable } from './connection-errors.js';
import { TransactionEndedError } from './errors.js';
import { RunnerTransaction } from './transaction.js';

export type Isolation = 'READ COMMITTED' | 'REPEATABLE READ';

/**
 * A transaction that the store itself opens, on a connection that is its own until it ends. What is asked of its runner
 * or manager goes through here on its way to the connection, so that nothing gets behind COMMIT or ROLLBACK, where it
 * would be committed by itself; and so that an error of this connection can be told from any other.
 */
export class OwnTransaction extends RunnerTransaction {
  private lost: Error | undefined;
  private ended = false;
  private readonly listeners: (() => void)[] = [];

  constructor(
    runner: QueryRunner,
    private readonly connection: Client,
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
    // A released runner refuses with an error of TypeORM's before it asks the connection, which knows why.
    Object.defineProperty(runner, 'isReleased', { get: () => false, set: () => {} });
  }

  async begin(isolation: Isolation): Promise<void> {
    await this.runner.startTransaction(isolation);
  }

  /** Throws `TransactionEndedError` when the database rolled back instead: a statement had failed. */
  async commit(): Promise<void> {
    if (!this.isOpen) throw this.refusal();
    this.close();
    try {
      const { command } = await this.connection.query('COMMIT');
      if (command === 'ROLLBACK') throw new TransactionEndedError('rolled back: a statement of the transaction failed');
    } catch (error) {
      throw this.errorOf(error);
    }
    for (const listener of this.listeners) listener();
  }

  override onCommit(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** A connection whose transaction can't be rolled back must not return to the pool. */
  async rollBack(): Promise<void> {
    this.close();
    try {
      await this.connection.query('ROLLBACK');
    } catch {
      await this.connection.end().catch(() => undefined);
    }
  }

  /** Stops watching the connection, and gives it back to the pool. */
  async release(): Promise<void> {
    this.close();
    this.connection.off('error', this.onLost);
    await this.runner.release();
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
    Object.assign(this.runner, { isTransactionActive: false });
  };

  private readonly send = (...args: unknown[]): unknown => {
    if (this.ended || this.lost) throw this.refusal();
    return Reflect.apply(this.connection.query, this.connection, args);
  };

  private refusal(): Error {
    return this.lost ? unavailable(this.lost) : new TransactionEndedError('the transaction has ended');
  }

  /** What TypeORM wraps is the refusal above, or the driver's error. */
  private errorOf(error: unknown): unknown {
    const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
    return cause instanceof AgentMQError ? cause : outageError(error);
  }
}
