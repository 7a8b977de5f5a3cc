export { DatabaseClock } from './clock.js';
export { type Connections } from './connections.js';
export { Database } from './database.js';
export { EmbeddedConnections, type EmbeddedOptions } from './embedded-connections.js';
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
export { migrate } from './migrator.js';
export { DEFAULT_NAMESPACE, schemaOf } from './namespace.js';
export { ServerConnections, type ServerOptions } from './server-connections.js';
export { clean, cleanOptional } from './text.js';
export { type CallerTransaction, type Transaction, transactionGiven, transactionOf } from './transaction.js';
export { persistently, whileStoreIsAway } from './while-away.js';
export { DatabaseSettings } from './settings.js';
