import { AgentMQError } from 'agentmq/protocol';
import type { Role } from './access/roles.js';

/** A request has no token or session that is known here. */
export class UnauthenticatedError extends AgentMQError {
  readonly code = 'UNAUTHENTICATED';

  constructor(
    message: string,
    /** A token was shown, and is not taken. */
    readonly shown: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** The value of `WWW-Authenticate`. */
  get challenge(): string {
    return `Bearer realm="agentmq"${this.shown ? ', error="invalid_token"' : ''}`;
  }
}

/** The caller is known, and may not do this. */
export class ForbiddenError extends AgentMQError {
  readonly code = 'FORBIDDEN';

  constructor(
    readonly caller: string,
    readonly needed: Role,
  ) {
    super(`${caller} has not the role that this needs: ${needed}`);
  }
}

/** A request came under a name that is not the app's: as it does when a foreign page has its own name point here (DNS rebinding). */
export class ForeignHostError extends AgentMQError {
  readonly code = 'FOREIGN_HOST';

  constructor() {
    super('this app is not asked under the name that Host has: HTTP_ALLOWED_HOSTS names those that are');
  }
}

/** A request was made by a page of another origin. */
export class ForeignOriginError extends AgentMQError {
  readonly code = 'FOREIGN_ORIGIN';

  constructor() {
    super('pages of other origins may not ask here: HTTP_ALLOWED_ORIGINS names those that may');
  }
}

/** The keys by which JSON Web Tokens are checked can't be had now. */
export class KeysUnavailableError extends AgentMQError {
  readonly code = 'KEYS_UNAVAILABLE';
  override readonly retryable = true;

  constructor(options?: ErrorOptions) {
    super('the keys of HTTP_JWKS_URL can not be read now', options);
  }
}
