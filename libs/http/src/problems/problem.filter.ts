import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { PROBLEM_TYPE } from './problem.js';
import { UnauthenticatedError } from '../errors.js';
import { problemOf } from './problem-of.js';

const RETRY_AFTER_S = '1';

/** Answers every error with a problem (RFC 9457). 503 means try again later; what fails here is logged, and answered with 500. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('HTTP');

  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const { httpAdapter } = this.host;
    const response = host.switchToHttp().getResponse<object>();
    const problem = problemOf(error);
    if (problem.status === 500) this.logger.error(error);
    if (httpAdapter.isHeadersSent(response)) {
      httpAdapter.end(response);
      return;
    }
    if (problem.status === 503) httpAdapter.setHeader(response, 'Retry-After', RETRY_AFTER_S);
    if (error instanceof UnauthenticatedError) httpAdapter.setHeader(response, 'WWW-Authenticate', error.challenge);
    httpAdapter.setHeader(response, 'Content-Type', PROBLEM_TYPE);
    httpAdapter.reply(response, problem, problem.status);
  }
}
