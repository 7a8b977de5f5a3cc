import type { Pool, PoolClient } from 'pg';

/** Where the connections come from: a server, or the embedded database. */
export interface Connections {
  /** The pool, opened at the first call. A call that failed may be repeated. */
  open(): Promise<Pool>;
  /** Whether the session is the client's alone: not one that a pooler lends to it for a transaction. */
  isOwn(client: PoolClient): boolean;
  /** The most body bytes that one statement should carry; larger batches are split, within one transaction. */
  readonly statementBytes: number;
  /**
   * The most transactions that callers may have open at once: handlers that take their time in them must not take the
   * connections by which claims are renewed and health is told.
   */
  readonly transactionsAtOnce: number;
  /** How long a rollback may wait for a statement that is under way before the connection is ended, in ms; 0 for ever. */
  readonly rollBackMs: number;
  /**
   * A connection more, on which no statement is given up, for a change of the schema. The caller ends it. None where there is
   * one connection alone, which gives no statement up.
   */
  unhurried(): Connections | undefined;
  /** Waits for the statements under way, for a bounded time, and closes. */
  end(): Promise<void>;
}
