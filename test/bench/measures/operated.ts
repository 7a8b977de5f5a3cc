import type { Client } from 'pg';
import { fill, uuid } from './fill.js';

const DAYS = 7;
/** One of so many messages is a dead letter, and of so many is still open. */
const DEAD = 12;
const OPEN = 278;
const AGENTS = 200;
const TASKS = 100_000;
const HOPS = 700_000;
const PROPOSALS = 5_000;
const CHANGES = 20_000;

/**
 * Fills a migrated, empty schema with what the operators of a busy system look at: settled messages, each with a key; among
 * them dead letters of a dozen errors, and open deliveries; agents, tasks with parts, hops of traces, proposals, an audit.
 */
export async function fillOperated(
  client: Client,
  schema: string,
  count: number,
  report: (text: string) => void,
): Promise<void> {
  await fill(client, schema, { count, days: DAYS }, report);
  for (const statement of STATEMENTS) await client.query(statement.replace(/\bNS\./g, `"${schema}".`));
  report(`${AGENTS} agents, ${TASKS} tasks, ${HOPS} hops, ${PROPOSALS} proposals`);
  await client.query('VACUUM (ANALYZE)');
}

/** The id of the task, or of the proposal, with that number. */
const idOf = (n: string): string =>
  uuid(`(extract(epoch FROM now()) * 1000 - 604800000 + (${n}) * 6000)`, n, `md5((${n})::text)`);

/** The number of a message, which its body has. */
const N = `(m.body::json ->> 'n')::int`;

const STATEMENTS: readonly string[] = [
  `UPDATE NS.deliveries AS d SET state = 'dead', attempt = 3, failures = 3,
     error = json_build_object('name', 'Error', 'code', 'ERROR_' || n / ${DEAD} % 4, 'retryable', false,
       'message', (ARRAY['no price for article ', 'the ledger has no customer ', 'no answer from '])[n / ${DEAD} % 3 + 1] || n)
   FROM NS.messages AS m, LATERAL (SELECT ${N} AS n) AS each
   WHERE m.message_id = d.message_id AND n % ${DEAD} = 0`,
  `UPDATE NS.deliveries AS d SET finished_at = NULL, attempt = 1,
     state = CASE n / ${OPEN} % 3 WHEN 0 THEN 'pending' WHEN 1 THEN 'retrying' ELSE 'processing' END,
     due_at = CASE WHEN n / ${OPEN} % 3 < 2 THEN now() + interval '1 day' END,
     leased_until = CASE WHEN n / ${OPEN} % 3 = 2 THEN now() + interval '1 day' END
   FROM NS.messages AS m, LATERAL (SELECT ${N} AS n) AS each
   WHERE m.message_id = d.message_id AND n % ${OPEN} = 1 AND n % ${DEAD} <> 0`,
  `INSERT INTO NS.message_keys (message_id, name, value, stored_at)
   SELECT m.message_id, 'order', ${N}::text, m.stored_at FROM NS.messages AS m`,
  `INSERT INTO NS.agents (id, role, capabilities, instance, version, heartbeat_at, handles, handles_of, roles, roles_of)
   SELECT 'worker-' || n % 4 || '-' || n, 'worker-' || n % 4, '{}', 'i' || n, '1.0.' || n % 3, now() + interval '1 day',
     json_build_array(json_build_object('type', 'type_' || n % 20, 'version', 1)), 'i' || n, ARRAY['worker-' || n % 4], 'i' || n
   FROM generate_series(1, ${AGENTS}) AS n`,
  // one of ten has nine parts
  `INSERT INTO NS.tasks (id, parent_id, key, type, version, payload, destination, strategy, priority, attempts, on_failure, state,
     failures, agent_id, due_at, deadline, result, error, submitter, created_at, assigned_at, started_at, finished_at)
   SELECT ${idOf('n')}, CASE WHEN n % 10 > 0 THEN ${idOf('n - n % 10')} END, CASE WHEN n % 10 > 0 THEN (n % 10)::text END,
     (ARRAY['count', 'sum', 'sort'])[n / 10 % 3 + 1], 1, '{"n":' || n || '}', 'role.worker-1', 'least-loaded', 5, 3, 'fail-fast',
     CASE WHEN n % 97 = 0 THEN 'failed' ELSE 'completed' END, 0, 'worker-1-' || n % 50 * 4 + 1, at, at + interval '1 hour',
     CASE WHEN n % 97 <> 0 THEN '{"n":1}' END,
     CASE WHEN n % 97 = 0 THEN '{"name":"Error","code":"ERROR","message":"no such column","retryable":false}'::json END,
     'coordinator-1', at, at + interval '3 ms', at + interval '5 ms', at + interval '40 ms'
   FROM generate_series(0, ${TASKS - 1}) AS n,
     LATERAL (SELECT now() - interval '7 days' + n * interval '6 s' AS at) AS each`,
  `INSERT INTO NS.hops (trace_id, message_id, side, agent_id, consumer, attempt, began_at, ended_at, outcome)
   SELECT m.trace_id, m.message_id, side, CASE side WHEN 'sent' THEN m.sender ELSE 'worker-1-7f3a' END,
     CASE side WHEN 'received' THEN 'role.' || m.recipient END, 1, m.stored_at, m.stored_at + interval '9 ms',
     CASE side WHEN 'sent' THEN 'published' ELSE 'completed' END
   FROM (SELECT * FROM NS.messages ORDER BY message_id DESC LIMIT ${HOPS / 2}) AS m, (VALUES ('sent'), ('received')) AS sides (side)`,
  `INSERT INTO NS.proposals (id, subject, rule, electors, weights, proposer, role, opened_at, closes_at, decided_at, outcome, tally)
   SELECT ${idOf('n * 20')}, 'deploy version ' || n, 'majority', ARRAY['worker-1-1', 'worker-1-5', 'worker-1-9'], ARRAY[1, 1, 1],
     'coordinator-1', 'worker-1', at, at + interval '1 minute', at + interval '1 s',
     CASE WHEN n % 5 = 0 THEN 'rejected' ELSE 'approved' END, '{"for":2,"against":1,"abstain":0,"silent":0}'
   FROM generate_series(0, ${PROPOSALS - 1}) AS n, LATERAL (SELECT now() - interval '7 days' + n * interval '2 minutes' AS at) AS each`,
  `INSERT INTO NS.audit (at, changed_by, via, action, target, reason, rows)
   SELECT now() - interval '7 days' + n * interval '30 s', 'ann', 'http', 'dead-letters.requeue', 'role.worker-' || n % 4, 'again', 1
   FROM generate_series(0, ${CHANGES - 1}) AS n`,
];
