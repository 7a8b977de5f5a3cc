import { type CallerTransaction, transactionGiven } from 'agentmq/database';
import type { Transaction } from 'agentmq/database';
import { currentTransaction } from 'agentmq/messaging';
import { InvalidTaskError } from './errors.js';

/** The transaction that something is to be written in: the one given, else that of the transactional handler being run. */
export function joinedTransaction(given: CallerTransaction | undefined): Transaction | undefined {
  if (!given) return currentTransaction();
  try {
    return transactionGiven(given);
  } catch {
    throw new InvalidTaskError('transaction', 'is an EntityManager that is in none');
  }
}
