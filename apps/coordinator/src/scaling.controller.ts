import {
  BadRequestException,
  Controller,
  Get,
  NotFoundException,
  Param,
  ServiceUnavailableException,
} from '@nestjs/common';
import { AgentMQError, InvalidMessageError } from 'agentmq/protocol';
import { type RoleScale, Scaling, UnknownRoleError } from 'agentmq/coordination';

/** How much there is to do, and how many agents do it: for people, and for whatever scales agents from outside. */
@Controller('scaling')
export class ScalingController {
  constructor(private readonly scaling: Scaling) {}

  @Get()
  async all(): Promise<{ readonly roles: readonly RoleScale[] }> {
    return { roles: await this.scaling.all().catch(refuse) };
  }

  /** Of any role that there is, whether or not AgentMQ scales it itself: KEDA's `metrics-api` trigger reads `backlog`. */
  @Get(':role')
  async of(@Param('role') role: string): Promise<RoleScale> {
    return this.scaling.of(role).catch(refuse);
  }
}

function refuse(error: unknown): never {
  if (error instanceof UnknownRoleError) throw new NotFoundException(error.message);
  if (error instanceof InvalidMessageError) throw new BadRequestException(error.message);
  if (error instanceof AgentMQError && error.retryable) throw new ServiceUnavailableException(error.message);
  throw error;
}
