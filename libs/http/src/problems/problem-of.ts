import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { AgentMQError, ContractViolationError } from 'agentmq/protocol';
import type { FieldError, Problem } from './problem.js';
import { STATUSES } from './statuses.js';

/** What HTTP tells of anything thrown. Of what is no error of ours, nor one made to be told, nothing is told but that it is. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ContractViolationError) return ofViolations(error);
  if (error instanceof AgentMQError) return ofOurs(error);
  if (error instanceof HttpException) return ofHttp(error);
  if (isToBeTold(error)) return problem(error.statusCode, error.message);
  return problem(500, 'the server failed: its log tells why');
}

/** A problem by its status; the code is the status' name unless given. */
export function problem(status: number, detail: string, more: Readonly<Record<string, unknown>> = {}): Problem {
  const title = STATUS_CODES[status] ?? 'Unknown';
  const code = title.toUpperCase().replaceAll(/[^A-Z]+/g, '_');
  return { type: 'about:blank', title, status, detail, code, ...more };
}

function ofViolations({ code, violations }: ContractViolationError): Problem {
  const errors = violations.map(({ field, message }): FieldError => ({ field, message }));
  const detail = errors.map(({ field, message }) => (message.startsWith(field) ? message : `${field}: ${message}`));
  return problem(STATUSES[code] ?? 400, detail.join('; '), { code, errors });
}

function ofOurs(error: AgentMQError): Problem {
  const { code, message, retryable } = error;
  const status = STATUSES[code] ?? (retryable ? 503 : 500);
  const { field, known } = error as { readonly field?: unknown; readonly known?: unknown };
  const named = typeof field === 'string' ? { errors: [{ field, message }] } : {};
  return problem(status, message, { code, ...named, ...(known === undefined ? {} : { known }) });
}

/** Members of its body beside Nest's own are kept. */
function ofHttp(error: HttpException): Problem {
  const body = error.getResponse();
  if (typeof body === 'string') return problem(error.getStatus(), body);
  const { statusCode: _, error: __, message, ...more } = body as Record<string, unknown>;
  const detail = Array.isArray(message) ? message.join('; ') : typeof message === 'string' ? message : error.message;
  return problem(error.getStatus(), detail, more);
}

/** An error of body-parser, send, Fastify or another that is made with `http-errors`: its message is for the client. */
function isToBeTold(error: unknown): error is { readonly statusCode: number; readonly message: string } {
  if (typeof error !== 'object' || error === null || !('statusCode' in error) || !('message' in error)) return false;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 && typeof error.message === 'string';
}
