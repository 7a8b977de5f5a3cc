import { Get, Param, Query } from '@nestjs/common';
import type { QueueState } from 'agentmq/broker';
import {
  AgentList,
  type AgentRow,
  ConsumerList,
  type ConsumerRow,
  type Flow,
  LeaderList,
  type LeaderRow,
  LiveView,
  type Overview,
  type Page,
  QueueList,
} from 'agentmq/operations';
import { PagingQuery } from '../paging.js';
import { OperationsController } from '../operations.js';

@OperationsController('overview')
class OverviewController {
  constructor(private readonly live: LiveView) {}

  @Get()
  read(): Promise<Overview> {
    return this.live.overview();
  }
}

@OperationsController('flow')
class FlowController {
  constructor(private readonly live: LiveView) {}

  @Get()
  read(): Promise<Flow> {
    return this.live.flow();
  }
}

@OperationsController('agents')
class AgentsController {
  constructor(private readonly agents: AgentList) {}

  /** By id; those that have stopped come last. */
  @Get()
  list(@Query() query: PagingQuery): Promise<Page<AgentRow>> {
    return this.agents.list(query);
  }

  @Get(':id')
  read(@Param('id') id: string): Promise<AgentRow> {
    return this.agents.find(id);
  }
}

@OperationsController('consumers')
class ConsumersController {
  constructor(private readonly consumers: ConsumerList) {}

  /** Roles, then agents, each by name. */
  @Get()
  list(@Query() query: PagingQuery): Promise<Page<ConsumerRow>> {
    return this.consumers.list(query);
  }
}

@OperationsController('leaders')
class LeadersController {
  constructor(private readonly leaders: LeaderList) {}

  /** By group. */
  @Get()
  list(@Query() query: PagingQuery): Promise<Page<LeaderRow>> {
    return this.leaders.list(query);
  }
}

@OperationsController('queues')
class QueuesController {
  constructor(private readonly queues: QueueList) {}

  /** By name; 501 where the broker is not RabbitMQ. */
  @Get()
  list(@Query() query: PagingQuery): Promise<Page<QueueState>> {
    return this.queues.list(query);
  }
}

export const systemControllers = [
  OverviewController,
  FlowController,
  AgentsController,
  ConsumersController,
  LeadersController,
  QueuesController,
] as const;
