import type { Role } from './roles.js';

/** The person or program that a request comes from. */
export interface Caller {
  /** As its token names it; `anonymous` where no token is needed. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** It has shown no token, and none is needed. */
  readonly anonymous: boolean;
  /** `page`: by a session of the page. */
  readonly via: 'page' | 'http';
}

export const ANONYMOUS: Caller = { name: 'anonymous', roles: ['operator'], anonymous: true, via: 'http' };

const callers = new WeakMap<object, Caller>();

/** Keeps by which caller an HTTP request was made, for as long as there is the request. */
export function rememberCaller(request: object, caller: Caller): void {
  callers.set(request, caller);
}

/** The caller of a request that was admitted. */
export const callerOf = (request: object): Caller => callers.get(request) ?? ANONYMOUS;
