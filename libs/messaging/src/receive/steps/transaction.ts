import type { Transaction } from 'agentmq/database';
import type { ClaimRef, Store } from 'agentmq/message-store';
import { ClaimLostError } from '../../errors.js';

/**
 * Runs a transactional handler: what it writes, what it sends, and the completion of its message are committed together or
 * not at all. Rejects with `ClaimLostError` when the claim was lost.
 */
export const inTransaction = (
  { database, deliveries }: Pick<Store, 'database' | 'deliveries'>,
  ref: ClaimRef,
  handle: (transaction: Transaction) => Promise<unknown>,
): Promise<unknown> =>
  database.transaction(async (transaction) => {
    const answer = await handle(transaction);
    const [stood] = await deliveries.complete([ref], transaction);
    if (!stood) throw new ClaimLostError();
    return answer;
  });
