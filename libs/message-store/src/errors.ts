import { AgentMQError } from 'agentmq/contracts';

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

/** The database can't be reached, or broke off. Nothing that was not acknowledged may be taken as stored. */
export class StoreUnavailableError extends AgentMQError {
  readonly code = 'STORE_UNAVAILABLE';
  override readonly retryable = true;
}
