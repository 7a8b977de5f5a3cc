import { Body, Get, HttpCode, Param, Post } from '@nestjs/common';
import { IsOptional, IsString, Length } from 'class-validator';
import { type Actor, type Page, type Pause, Pauses } from 'agentmq/operations';
import { By } from '../by.js';
import { IsNotBlank } from '../checks.js';
import { OperationsController } from '../operations.js';

/** The body of `POST /consumers/:name/pause`, `POST /agents/:id/pause` and `/drain`. */
export class PauseRequest {
  @IsString()
  @IsNotBlank()
  @Length(1, 1_000)
  reason!: string;
}

/** The body of `POST /consumers/:name/resume` and `POST /agents/:id/resume`. */
export class ResumeRequest {
  @IsOptional()
  @IsString()
  @IsNotBlank()
  @Length(1, 1_000)
  reason?: string;
}

/** What is paused. */
@OperationsController('pauses')
export class PausesController {
  constructor(private readonly pauses: Pauses) {}

  @Get()
  async list(): Promise<Page<Pause>> {
    return { items: await this.pauses.list() };
  }
}

/** Pauses a role's inbox (`role.worker`), or an agent (`agent.worker-1`), and has it read again. */
@OperationsController('consumers')
export class ConsumerPausesController {
  constructor(private readonly pauses: Pauses) {}

  @Post(':name/pause')
  @HttpCode(200)
  pause(@Param('name') name: string, @Body() { reason }: PauseRequest, @By() actor: Actor): Promise<Pause> {
    return this.pauses.pause(actor, name, reason);
  }

  /** Answers the pause that is over. */
  @Post(':name/resume')
  @HttpCode(200)
  resume(@Param('name') name: string, @Body() { reason }: ResumeRequest, @By() actor: Actor): Promise<Pause> {
    return this.pauses.resume(actor, name, reason);
  }
}

/** Pauses an agent: it takes nothing new. Drained, it also tells when it has nothing left. */
@OperationsController('agents')
export class AgentPausesController {
  constructor(private readonly pauses: Pauses) {}

  @Post(':id/pause')
  @HttpCode(200)
  pause(@Param('id') id: string, @Body() { reason }: PauseRequest, @By() actor: Actor): Promise<Pause> {
    return this.pauses.pause(actor, `agent.${id}`, reason);
  }

  @Post(':id/drain')
  @HttpCode(200)
  drain(@Param('id') id: string, @Body() { reason }: PauseRequest, @By() actor: Actor): Promise<Pause> {
    return this.pauses.pause(actor, `agent.${id}`, reason, true);
  }

  /** Answers the pause that is over. */
  @Post(':id/resume')
  @HttpCode(200)
  resume(@Param('id') id: string, @Body() { reason }: ResumeRequest, @By() actor: Actor): Promise<Pause> {
    return this.pauses.resume(actor, `agent.${id}`, reason);
  }
}
