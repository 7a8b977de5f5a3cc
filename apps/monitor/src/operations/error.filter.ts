import { type ArgumentsHost, Catch, HttpException, HttpStatus } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { AgentMQError } from 'agentmq/protocol';

const statuses: Readonly<Record<string, HttpStatus>> = {
  MESSAGE_NOT_FOUND: HttpStatus.NOT_FOUND,
  DELIVERY_NOT_FOUND: HttpStatus.NOT_FOUND,
  TRACE_NOT_FOUND: HttpStatus.NOT_FOUND,
  REPLAY_NOT_FOUND: HttpStatus.NOT_FOUND,
  SUBSCRIPTION_NOT_FOUND: HttpStatus.NOT_FOUND,
  NOT_DEAD: HttpStatus.CONFLICT,
  SEVERAL_CONSUMERS: HttpStatus.BAD_REQUEST,
  INVALID_MESSAGE: HttpStatus.BAD_REQUEST,
  INVALID_SELECTION: HttpStatus.BAD_REQUEST,
  CONTRACT_VIOLATION: HttpStatus.BAD_REQUEST,
  MESSAGE_TOO_LARGE: HttpStatus.PAYLOAD_TOO_LARGE,
  TOO_MANY_REPLAYS: HttpStatus.TOO_MANY_REQUESTS,
};

/** Our errors as HTTP tells them: 503 means try again later. */
@Catch(AgentMQError)
export class OperationErrorFilter extends BaseExceptionFilter {
  override catch({ code, message, retryable }: AgentMQError, host: ArgumentsHost): void {
    const otherwise = retryable ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.INTERNAL_SERVER_ERROR;
    const statusCode = statuses[code] ?? otherwise;
    super.catch(new HttpException({ statusCode, code, message }, statusCode), host);
  }
}
