import { type ArgumentsHost, Logger } from '@nestjs/common';
import type { RpcExceptionFilterMetadata } from '@nestjs/common/internal';
import { MESSAGES } from '@nestjs/core/internal';
import { ExceptionFiltersContext } from '@nestjs/microservices/context/exception-filters-context.js';
import { RpcExceptionsHandler } from '@nestjs/microservices/exceptions/rpc-exceptions-handler.js';
import { catchError, defer, from, isObservable, mergeMap, type Observable, of, throwError } from 'rxjs';

/**
 * Calls the exception filters of a handler. A filter decides by what it returns: `throwError(() => error)` replaces the error,
 * anything else is the answer. The handler's own error stands when no filter catches it, when the filter returns nothing
 * (it has only logged, say), when it passes it to Nest's default, which tells nothing of it, and when it throws, which is a
 * failure of the filter.
 */
class HandlerErrors extends RpcExceptionsHandler {
  private readonly logger = new Logger('AgentMQ');

  override handle(exception: Error, host: ArgumentsHost): Observable<unknown> {
    const decided = defer(() => settled(this.invokeCustomFilters(exception, host)));
    return decided.pipe(
      catchError((failure: unknown) => {
        if (failure !== exception) this.report(failure);
        return throwError(() => exception);
      }),
      mergeMap((answer) => {
        if (answer === undefined || answer === null) return throwError(() => exception);
        if (!isObservable(answer)) return of(answer);
        return answer.pipe(catchError((error: unknown) => throwError(() => (isDefault(error) ? exception : error))));
      }),
    );
  }

  /** Only the name: a filter's failure may quote the payload, which may be sensitive. */
  private report(failure: unknown): void {
    const name = failure instanceof Error ? failure.name : typeof failure;
    this.logger.warn(`an exception filter has thrown ${name}; the error of the handler stands`);
  }
}

/** What a filter has returned: an asynchronous one resolves with it. */
const settled = (returned: unknown): Observable<unknown> =>
  returned instanceof Promise ? from(returned as Promise<unknown>) : of(returned);

/** What `BaseRpcExceptionFilter` makes of an error that it does not know. */
const isDefault = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'status' in error &&
  error.status === 'error' &&
  'message' in error &&
  error.message === MESSAGES.UNKNOWN_EXCEPTION_MESSAGE;

/** Finds the filters of a handler as Nest does. */
export class MessageFilters extends ExceptionFiltersContext {
  override create(...given: Parameters<ExceptionFiltersContext['create']>): RpcExceptionsHandler {
    const found = super.create(...given);
    const errors = new HandlerErrors();
    errors.setCustomFilters(filtersOf(found));
    return errors;
  }
}

export const filtersOf = (handler: RpcExceptionsHandler): RpcExceptionFilterMetadata[] => handler['filters'];
