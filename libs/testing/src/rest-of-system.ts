import type { Database } from 'agentmq/database';

/** What the store owes to a consumer now, a line each. What is due later, or waits for a consumer that is not there, is not. */
export async function dueIn(database: Database, agents: readonly string[], dispatches: boolean): Promise<string[]> {
  const { schema } = database;
  const rows = await database.query<{ what: string }>(
    `SELECT m.type || ' ' || o.message_id || ' is to be published to ' || coalesce(o.consumer, o.target)
        || CASE WHEN o.last_error IS NULL THEN '' ELSE ', which failed: ' || o.last_error END AS what
      FROM "${schema}".outbox o JOIN "${schema}".messages m USING (message_id)
      WHERE o.due_at <= clock_timestamp() OR o.leased_by = ANY ($1::text[])
      UNION ALL
      SELECT 'task ' || type || ' ' || id || ' is ' || state || coalesce(' to ' || agent_id, '')
      FROM "${schema}".tasks
      WHERE state = 'assigned' AND agent_id = ANY ($1::text[])
        OR state = 'running'
        OR $2 AND state = 'queued' AND due_at <= clock_timestamp()
      LIMIT 20`,
    [agents, dispatches],
  );
  return rows.map(({ what }) => what);
}
