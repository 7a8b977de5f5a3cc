import { Body, Delete, Get, Param, Post, Res } from '@nestjs/common';
import { answerWith, OperationsController, type StatusSetter } from './operations.js';
import { ReplayJobs, type ReplayView } from './replay-jobs.js';
import { ReplayRequest, selectionOf } from './requests.js';

const DEFAULT_RATE = 1_000;

/** Puts stored messages on their way again. */
@OperationsController('replay')
export class ReplayController {
  constructor(private readonly jobs: ReplayJobs) {}

  /** 200 with the counts if it ends within 5 s; else 202, and `GET /replay/:id` tells how far it is. */
  @Post()
  async replay(
    @Body() { dryRun = false, rate = DEFAULT_RATE, atMost, to, ...selection }: ReplayRequest,
    @Res({ passthrough: true }) response: StatusSetter,
  ): Promise<ReplayView> {
    const view = await this.jobs.start(selectionOf(selection), {
      dryRun,
      rate,
      ...(atMost === undefined ? {} : { atMost }),
      ...(to === undefined ? {} : { to }),
    });
    return answerWith(view, response);
  }

  @Get(':id')
  read(@Param('id') id: string): ReplayView {
    return this.jobs.read(id);
  }

  /** Ends it; what was put on its way goes its way. */
  @Delete(':id')
  stop(@Param('id') id: string): ReplayView {
    return this.jobs.stop(id);
  }
}
