export { Access } from './access/access.js';
export { AccessGuard } from './access/access.guard.js';
export { HttpAccessSettings } from './access/access-settings.js';
export { type Caller, callerOf } from './access/caller.js';
export type { HttpRequest } from './access/http-request.js';
export { Needs } from './access/needs.js';
export { type Role, ROLES } from './access/roles.js';
export {
  ForbiddenError,
  ForeignHostError,
  ForeignOriginError,
  KeysUnavailableError,
  UnauthenticatedError,
} from './errors.js';
export type { FieldError, Problem } from './problems/problem.js';
export { refusalOf } from './problems/refusal-of.js';
export { ProblemFilter } from './problems/problem.filter.js';
export { problemOf } from './problems/problem-of.js';
export { type ExpressApp, protect, type Protection } from './protect.js';
export { requestAs, RequestPipe } from './requests/request.pipe.js';
export { generateToken } from './tokens/read-tokens.js';
