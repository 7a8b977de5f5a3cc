export { type AppDatabase } from './transaction/app-source.js';
export { bigints, booleans, integers, jsons, smallints, texts, timestamps } from './statements/arrays.js';
export { DatabaseClock } from './clock.js';
export type { Connections } from './connections.js';
export { Database } from './database.js';
export { type EmbeddedOptions } from './embedded/embedded-connections.js';
export {
  DatabaseSettingError,
  DataSourceError,
  InvalidNamespaceError,
  InvalidSelectionError,
  RefusedDataError,
  SchemaTooNewError,
  StatementError,
  StoreAccessError,
  StoreClosedError,
  StoreDirectoryError,
  StoreLockedError,
  StoreUnavailableError,
  TransactionEndedError,
  TransactionOwnedError,
} from './errors.js';
export { MemoryDatabase, type MemoryDatabaseOptions } from './embedded/memory-database.js';
export { prepared, type PreparedStatement } from './statements/prepared.js';
export { type PostgresOptions } from './server/server-connections.js';
export { sharedPool } from './embedded/shared-pool.js';
export { clean, cleanOptional } from './statements/text.js';
export {
  type CallerTransaction,
  type Transaction,
  transactionGiven,
  transactionOf,
} from './transaction/transaction.js';
export { isAway, persistently, whileStoreIsAway } from './while-away.js';
export { DatabaseSettings } from './settings.js';
