import { Get, Param } from '@nestjs/common';
import { type RoleScale, Scaling } from 'agentmq/coordination';
import type { Page } from 'agentmq/operations';
import { OperationsController } from '../operations.js';

/** How much there is to do, and how many agents do it: for people, and for whatever scales agents from outside. */
@OperationsController('scaling')
export class ScalingController {
  constructor(private readonly scaling: Scaling) {}

  @Get()
  async all(): Promise<Page<RoleScale>> {
    return { items: await this.scaling.all() };
  }

  /** Of any role that there is, whether or not AgentMQ scales it itself: KEDA's `metrics-api` trigger reads `backlog`. */
  @Get(':role')
  of(@Param('role') role: string): Promise<RoleScale> {
    return this.scaling.of(role);
  }
}
