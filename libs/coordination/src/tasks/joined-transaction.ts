import type { CallerTransaction, Database, Transaction } from 'agentmq/database';
import { joinedTransaction as joined } from 'agentmq/messaging';
import { InvalidTaskError } from './errors.js';

/** As the bus decides for what is sent. Throws {@link InvalidTaskError} for a manager that is in no transaction. */
export function joinedTransaction(database: Database, given: CallerTransaction | undefined): Transaction | undefined {
  return joined(database, given, (problem, cause) => new InvalidTaskError('transaction', problem, cause));
}
