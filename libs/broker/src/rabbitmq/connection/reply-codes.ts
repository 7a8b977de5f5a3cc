/** What the broker closes a channel or a connection with (AMQP 0-9-1, section 1.4). */
export const ACCESS_REFUSED = 403;
export const NOT_FOUND = 404;
export const RESOURCE_LOCKED = 405;
export const PRECONDITION_FAILED = 406;
export const INTERNAL_ERROR = 541;

/** The broker's reply code, or Node's code; undefined for any other error. */
export const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown }).code;
