export { bigints, booleans, integers, jsons, smallints, texts, timestamps } from './arrays.js';
export { DatabaseClock } from './clock.js';
export { Database } from './database.js';
export { type EmbeddedOptions } from './embedded-connections.js';
export {
  DatabaseSettingError,
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
} from './errors.js';
export { prepared, type PreparedStatement } from './prepared.js';
export { type PostgresOptions } from './server-connections.js';
export { clean, cleanOptional } from './text.js';
export { type CallerTransaction, type Transaction, transactionGiven, transactionOf } from './transaction.js';
export { persistently, whileStoreIsAway } from './while-away.js';
export { DatabaseSettings } from './settings.js';
