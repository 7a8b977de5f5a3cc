import { Body, Delete, Get, Param, Post, Query, Res } from '@nestjs/common';
import { type Actor, BulkChanges, type Page, ReplayJobs, type ReplayView, selectionText } from 'agentmq/operations';
import { LimitQuery } from '../paging.js';
import { By } from '../by.js';
import { answerWith, OperationsController, type StatusSetter } from '../operations.js';
import { MoveRequest, ReplayRequest } from './requests.js';
import { runOf, selectionOf } from './selection.js';

/** Puts stored messages on their way again. */
@OperationsController('replay')
export class ReplayController {
  constructor(
    private readonly changes: BulkChanges,
    private readonly jobs: ReplayJobs,
  ) {}

  /** 200 with the counts if it ends within 5 s; else 202, and `GET /replay/:id` tells how far it is. */
  @Post()
  async replay(
    @Body() { to, states, ...given }: ReplayRequest,
    @By() actor: Actor,
    @Res({ passthrough: true }) response: StatusSetter,
  ): Promise<ReplayView> {
    const selection = { ...selectionOf(given), ...(states ? { states } : {}) };
    const run = { ...runOf(given), ...(to === undefined ? {} : { to }) };
    const job = { actor, kind: 'replay', target: selectionText(selection, to), dryRun: run.dryRun } as const;
    const view = await this.jobs.start(job, (progress) =>
      this.changes.replay(actor, selection, { ...run, ...progress }),
    );
    return answerWith(view, response);
  }

  /** What runs and what ended lately in this process, moves and changes of dead letters included; at most 100. */
  @Get()
  list(@Query() { limit }: LimitQuery): Page<ReplayView> {
    return { items: this.jobs.list().slice(0, limit) };
  }

  @Get(':id')
  read(@Param('id') id: string): ReplayView {
    return this.jobs.read(id);
  }

  /** Ends it; what was put on its way goes its way. */
  @Delete(':id')
  stop(@Param('id') id: string, @By() actor: Actor): Promise<ReplayView> {
    return this.jobs.stop(actor, id);
  }
}

/** Makes what a consumer is owed another one's. It is told of, and ended, as a replay is. */
@OperationsController('move')
export class MoveController {
  constructor(
    private readonly changes: BulkChanges,
    private readonly jobs: ReplayJobs,
  ) {}

  @Post()
  async move(
    @Body() { from, to, dead = false, keepSubscriptions = false, ...given }: MoveRequest,
    @By() actor: Actor,
    @Res({ passthrough: true }) response: StatusSetter,
  ): Promise<ReplayView> {
    const run = runOf(given);
    const job = { actor, kind: 'move', target: `${from} to ${to}`, dryRun: run.dryRun } as const;
    const view = await this.jobs.start(job, async (progress) => {
      if (!keepSubscriptions && !run.dryRun) await this.changes.moveSubscriptions(actor, { from, to });
      return this.changes.move(actor, { from, to }, { dead }, { ...run, ...progress });
    });
    return answerWith(view, response);
  }
}
