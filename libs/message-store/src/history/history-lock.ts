import type { Transaction } from 'agentmq/database';

/**
 * Held until the transaction ends. Replays share it, and what deletes history excludes them: a message must not go while
 * a replay makes it owed again. Taken by a statement of its own, so that the next one sees all that was done before.
 */
export async function historyLock(transaction: Transaction, schema: string, mode: 'shared' | 'alone'): Promise<void> {
  const lock = mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
  await transaction.query(`SELECT ${lock}(hashtextextended($1, 0))`, [`agentmq.history.${schema}`]);
}
