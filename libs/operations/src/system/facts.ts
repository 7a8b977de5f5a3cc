import type { Database } from 'agentmq/database';
import type { Store } from 'agentmq/message-store';
import { pauseView } from '../pauses/pauses.js';
import type { Pause } from '../views/system.js';

/** The newest failed tasks that are looked at. */
const MOST_FAILED = 1_000;

export interface Condition {
  readonly agent: string;
  readonly instance: string;
  readonly reasons: readonly string[];
  readonly detail: string;
}

export interface Leadership {
  readonly group: string;
  readonly term: number;
  readonly leader: string;
  readonly instance: string;
  readonly electedAt: Date;
}

/** What is on record of tasks and decisions, of one moment. */
export interface Facts {
  readonly tasks: { readonly queued: number; readonly running: number; readonly failed: number };
  /** Texts that differ when something has changed. */
  readonly prints: { readonly tasks: string; readonly pipelines: string; readonly proposals: string };
}

/** Reads what is on record beside messages. Everything rejects as `Database.ownQuery` does. */
export class FactReader {
  private readonly statement: string;

  private readonly database: Database;

  constructor(private readonly store: Pick<Store, 'database' | 'pauses'>) {
    this.database = store.database;
    this.statement = facts(store.database.schema);
  }

  async read(): Promise<Facts> {
    const [row] = await this.database.ownQuery<Facts>(this.statement);
    return row as Facts;
  }

  /** What the monitor that leads has told of unhealthy agents. */
  conditions(): Promise<Condition[]> {
    return this.database.ownQuery<Condition>(
      `SELECT agent_id AS agent, instance, reasons, detail FROM "${this.database.schema}".agent_conditions`,
    );
  }

  /** By target. */
  async pauses(): Promise<Pause[]> {
    return (await this.store.pauses.list()).map(pauseView);
  }

  /** By group. */
  leaderships(): Promise<Leadership[]> {
    return this.database.ownQuery<Leadership>(
      `SELECT group_name AS "group", term::float8 AS term, leader, instance, elected_at AS "electedAt"
       FROM "${this.database.schema}".leaderships ORDER BY group_name`,
    );
  }
}

/** By the indexes of what is open: what is settled is not read, but for the newest that have failed. */
const facts = (schema: string): string => {
  const tasks = `"${schema}".tasks`;
  const proposals = `"${schema}".proposals`;
  return `
WITH queued AS (
  SELECT count(*) AS count FROM ${tasks} WHERE state = 'queued'
), assigned AS (
  SELECT count(*) AS count, count(started_at) AS begun, max(assigned_at) AS latest FROM ${tasks} WHERE state = 'assigned'
), running AS (
  SELECT count(*) AS count, max(id) AS latest FROM ${tasks} WHERE state = 'running'
)
SELECT
  json_build_object(
    'queued', queued.count,
    'running', assigned.begun + running.count,
    'failed', (
      SELECT count(*) FROM (SELECT finished_at FROM ${tasks} WHERE state = 'failed' ORDER BY id DESC LIMIT ${MOST_FAILED}) AS newest
      WHERE finished_at > statement_timestamp() - interval '1 hour'
    )
  ) AS tasks,
  json_build_object(
    'tasks', concat_ws(' ', queued.count, concat(assigned.count, '/', assigned.begun, '/', assigned.latest),
      (SELECT max(id) FROM ${tasks}), (SELECT max(finished_at) FROM ${tasks} WHERE finished_at IS NOT NULL)),
    'pipelines', concat(running.count, '/', running.latest),
    'proposals', concat_ws(' ', (SELECT max(id) FROM ${proposals}),
      (SELECT concat(count(*), '/', sum(length(tally::text))) FROM ${proposals} WHERE outcome IS NULL))
  ) AS prints
FROM queued, assigned, running`;
};
