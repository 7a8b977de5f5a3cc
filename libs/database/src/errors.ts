import { AgentMQError } from 'agentmq/protocol';

/** The store object was closed. */
export class StoreClosedError extends AgentMQError {
  readonly code = 'STORE_CLOSED';
}

/** A namespace that can't name a Postgres schema. */
export class InvalidNamespaceError extends AgentMQError {
  readonly code = 'INVALID_NAMESPACE';

  constructor(readonly namespace: string) {
    super(`namespace "${namespace}" is not 1-63 of a-z, 0-9, "_", "-", "." beginning with a letter or "_"`);
  }
}

/** A `DataSource` of the app's on which AgentMQ can't work. */
export class DataSourceError extends AgentMQError {
  readonly code = 'DATA_SOURCE';

  constructor(readonly problem: string) {
    super(`dataSource: ${problem}`);
  }
}

/** What was asked of a replay, of `expire` or of `forget` makes no sense. Names the field. */
export class InvalidSelectionError extends AgentMQError {
  readonly code = 'INVALID_SELECTION';

  constructor(
    readonly field: string,
    readonly problem: string,
  ) {
    super(`${field}: ${problem}`);
  }
}

/** A newer AgentMQ changed the schema in a way that this version can't work with. */
export class SchemaTooNewError extends AgentMQError {
  readonly code = 'SCHEMA_TOO_NEW';

  constructor(readonly migration: string) {
    super(`the database has migration ${migration}, which this version can't work with; deploy a newer AgentMQ`);
  }
}

/** Another process, or another store of this one, has the embedded database's directory open. */
export class StoreLockedError extends AgentMQError {
  readonly code = 'STORE_LOCKED';

  constructor(
    readonly directory: string,
    readonly pid: number,
  ) {
    super(`${directory} is in use by process ${pid}: stop it, choose another directory, or use a Postgres server`);
  }
}

/** The embedded database's directory can't be made, read or written to, or its disk is full. The database has ended. */
export class StoreDirectoryError extends AgentMQError {
  readonly code = 'STORE_DIRECTORY';

  constructor(
    readonly directory: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${directory}: the embedded database can't be kept there: ${problem}`, options);
  }
}

/** A statement for a transaction that is, or is being, committed or rolled back; or a commit that came to nothing. */
export class TransactionEndedError extends AgentMQError {
  readonly code = 'TRANSACTION_ENDED';
}

/** The app's code would commit, or roll back, the transaction of its handler or task, which ends with that. */
export class TransactionOwnedError extends AgentMQError {
  readonly code = 'TRANSACTION_OWNED';

  constructor() {
    super('the transaction ends with its handler: throw to roll it back, return to commit it');
  }
}

/** A statement of the store's own is wrong for this database: a table is missing or a right is. Its cause is the driver's error. */
export class StatementError extends AgentMQError {
  readonly code = 'STORE_STATEMENT';

  constructor(
    /** As the PostgreSQL manual lists it in appendix A. */
    readonly sqlState: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`the database refuses a statement: ${problem} (${sqlState})`, options);
  }
}

/** The database can't hold a value that it was given. Of a batch, only the item with that value is to blame. */
export class RefusedDataError extends AgentMQError {
  readonly code = 'STORE_DATA';

  constructor(
    /** As the PostgreSQL manual lists it in appendix A. */
    readonly sqlState: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`the database can not store it: ${problem} (${sqlState})`, options);
  }
}

/** A setting of the database makes the store's statements mean something else. */
export class DatabaseSettingError extends AgentMQError {
  readonly code = 'DATABASE_SETTING';

  constructor(
    readonly setting: string,
    readonly value: string,
    readonly needed: string,
  ) {
    super(
      `the database's setting ${setting} is "${value}", but AgentMQ needs "${needed}", and behind a pooler it can't set ` +
        `that itself: ALTER ROLE ... SET ${setting} = '${needed}'`,
    );
  }
}

/** The database can't be reached, or broke off. Nothing that was not acknowledged may be taken as stored. */
export class StoreUnavailableError extends AgentMQError {
  readonly code: string = 'STORE_UNAVAILABLE';
  override readonly retryable: boolean = true;
}

/**
 * The database does not let this process in: its password, its rights, the database's name or the certificate is wrong.
 * An operator has to change that; what runs already waits for it as for any outage.
 */
export class StoreAccessError extends StoreUnavailableError {
  override readonly code = 'STORE_ACCESS';
  override readonly retryable = false;
}
