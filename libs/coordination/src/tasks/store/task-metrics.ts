import { Injectable } from '@nestjs/common';
import { Database } from 'agentmq/database';
import { Metrics, sample, SharedRead } from 'agentmq/telemetry';
import type { Histogram } from 'prom-client';
import { OPEN } from './sql-parts.js';

/** For the help texts: several processes see the same thing, so their values must not be added up. */
const SEEN_BY_MANY = 'Several processes tell the same: take max, not sum, over them';
const STATES = ['queued', 'assigned', 'running'] as const;

type Figures = Readonly<Record<(typeof STATES)[number] | 'oldest', number>>;

/** Metrics of tasks: of all that are open, read from the database now and then, and of each that this agent begins. */
@Injectable()
export class TaskMetrics {
  private readonly waited: Histogram<'type'>;

  constructor(metrics: Metrics, database: Database) {
    const tasks = `"${database.schema}".tasks`;
    const counts = STATES.map((state) => `count(*) FILTER (WHERE state = '${state}')::float8 AS ${state}`);
    const figures = new SharedRead(async () => {
      const [row] = await database.ownQuery<Figures>(
        `SELECT ${counts.join(', ')}, coalesce(extract(epoch FROM statement_timestamp() -
           min(greatest(created_at, due_at)) FILTER (WHERE state = 'queued' AND due_at <= statement_timestamp())), 0)::float8 AS oldest
         FROM ${tasks} WHERE ${OPEN}`,
      );
      return row as Figures;
    });
    metrics.sampled(
      {
        name: 'agentmq_tasks',
        help: `Tasks of the namespace that are open, by state; running is a pipeline. ${SEEN_BY_MANY}`,
        labelNames: ['state'],
      },
      async () => {
        const found = await figures.get();
        return STATES.map((state) => ({ labels: { state }, value: found[state] }));
      },
    );
    metrics.sampled(
      {
        name: 'agentmq_tasks_oldest_queued_age_seconds',
        help: `How long the oldest queued task has been due; 0 when none is queued. ${SEEN_BY_MANY}`,
      },
      async () => [sample((await figures.get()).oldest)],
    );
    this.waited = metrics.histogram({
      name: 'agentmq_task_waiting_seconds',
      help: 'How long tasks waited, from when they were due until this agent began them',
      labelNames: ['type'],
      buckets: [0.01, 0.05, 0.25, 1, 5, 30, 120, 600, 3_600],
    });
  }

  /** A task that this agent has a handler for was begun, `waitedMs` after it was due. */
  begun(type: string, waitedMs: number): void {
    this.waited.observe({ type }, Math.max(0, waitedMs) / 1_000);
  }
}
