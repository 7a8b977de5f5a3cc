import { applyDecorators, Controller, HttpStatus, UseFilters, UsePipes } from '@nestjs/common';
import { OperationErrorFilter } from './error.filter.js';
import type { ReplayView } from './replay-jobs.js';
import { RequestPipe } from './request.pipe.js';

/** A controller of an operator's: bad input is a 400 that names the fields, and our errors have their statuses. */
export const OperationsController = (path: string): ClassDecorator =>
  applyDecorators(Controller(path), UseFilters(OperationErrorFilter), UsePipes(new RequestPipe()));

/** As much of an HTTP response as sets its status. */
export interface StatusSetter {
  status(code: number): unknown;
}

/** 200 for a replay that has ended, 202 for one that goes on. */
export function answerWith(view: ReplayView, response: StatusSetter): ReplayView {
  response.status(view.state === 'running' ? HttpStatus.ACCEPTED : HttpStatus.OK);
  return view;
}
