import { AgentMQError } from 'agentmq/protocol';

/** What goes wrong with sealing. None quotes a payload or a key, so each may be told where a payload may not. */
export abstract class SealingError extends AgentMQError {}

/** What is sensitive can be neither sealed nor opened: this process has no keys. */
export class NoSealingKeysError extends SealingError {
  readonly code = 'NO_SEALING_KEYS';

  constructor(readonly what = 'a payload') {
    super(`${what} is sensitive, and this process has no keys to seal with: see SEALING_KEYS and SEALING_KEYS_FILE`);
  }
}

/** The key may be on its way to this process: keys are rolled out one instance after the other. */
export class SealedUnknownKeyError extends SealingError {
  readonly code = 'SEALED_UNKNOWN_KEY';
  override readonly retryable = true;

  constructor(readonly kid: string) {
    super(`sealed with the key "${kid}", which this process does not have`);
  }
}

/** The sealed text, or what it is bound to, is not what its sender sealed. */
export class SealedTamperedError extends SealingError {
  readonly code = 'SEALED_TAMPERED';

  constructor(
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(problem, options);
  }
}

/** What is sensitive came in clear. */
export class NotSealedError extends SealingError {
  readonly code = 'NOT_SEALED';

  constructor(readonly what: string) {
    super(`${what} is sensitive, and came in clear`);
  }
}
