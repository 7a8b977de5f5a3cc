import type { LoggerService } from '@nestjs/common';

/**
 * The app's logger for the time in which Nest makes the app. What prevents the start is told by `startAgent`, once: Nest tells
 * it as well, with the stack of errors that need none.
 */
export class StartLogger implements LoggerService {
  constructor(private readonly logger: LoggerService) {}

  log(message: unknown, ...params: unknown[]): void {
    this.logger.log(message, ...params);
  }

  error(message: unknown, ...params: unknown[]): void {
    if (params.at(-1) !== 'ExceptionHandler') this.logger.error(message, ...params);
  }

  warn(message: unknown, ...params: unknown[]): void {
    this.logger.warn(message, ...params);
  }

  debug(message: unknown, ...params: unknown[]): void {
    this.logger.debug?.(message, ...params);
  }

  verbose(message: unknown, ...params: unknown[]): void {
    this.logger.verbose?.(message, ...params);
  }

  fatal(message: unknown, ...params: unknown[]): void {
    this.logger.fatal?.(message, ...params);
  }
}
