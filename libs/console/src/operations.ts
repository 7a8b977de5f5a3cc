import { applyDecorators, Controller, HttpStatus, UseFilters, UseGuards, UsePipes } from '@nestjs/common';
import { AccessGuard, ProblemFilter, RequestPipe } from 'agentmq/http';
import type { ReplayView } from 'agentmq/operations';

/** A controller of ours: errors are answered as problems, and bad input as one that names the fields. */
export const OperationsController = (path: string): ClassDecorator =>
  applyDecorators(Controller(path), UseGuards(AccessGuard), UseFilters(ProblemFilter), UsePipes(new RequestPipe()));

/** How long an answer of events lasts, in ms. Then its client connects anew, with its token or session: one that has ended watches no longer. */
export const LONGEST_STREAM_MS = 10 * 60_000;

/** As much of an HTTP response as sets its status. */
export interface StatusSetter {
  status(code: number): unknown;
}

/** 200 for a replay that has ended, 202 for one that goes on. */
export function answerWith(view: ReplayView, response: StatusSetter): ReplayView {
  response.status(view.state === 'running' ? HttpStatus.ACCEPTED : HttpStatus.OK);
  return view;
}
