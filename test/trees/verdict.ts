import type { WorkNode } from './work.js';
import type { Database } from 'agentmq/database';
import type { FailurePolicy } from 'agentmq/coordination';

interface Row {
  readonly id: string;
  readonly parent_id: string | null;
  readonly path: string;
  readonly state: string;
  readonly agent_id: string | null;
  readonly failures: number;
  readonly attempts: number;
  readonly on_failure: FailurePolicy;
  readonly result: { readonly sum: number; readonly missing: readonly string[]; readonly by: string } | null;
  readonly error: { readonly code: string; readonly details?: { readonly key?: string } } | null;
}

interface Change {
  readonly id: string;
  readonly was: string;
  readonly state: string;
  readonly began: boolean;
  readonly whole: string | null;
}

const SETTLED = ['completed', 'failed', 'cancelled'];

/** What on record is not as trees of tasks must end, in words; nothing, if all is well. */
export async function whatIsWrong(
  database: Database,
  nodeAt: (path: string) => WorkNode,
  cancellations: ReadonlySet<string>,
): Promise<string[]> {
  const rows = await database.query<Row>(
    `SELECT id, parent_id, payload::json ->> 'path' AS path, state, agent_id, failures, attempts, on_failure, result::json, error
     FROM "${database.schema}".tasks ORDER BY id`,
  );
  const changes = await database.query<Change>(`SELECT * FROM "${database.schema}".changes ORDER BY n`);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const partsOf = (row: Row): Row[] => rows.filter(({ parent_id }) => parent_id === row.id);
  const wrong: string[] = [];
  const say = (row: Row, what: string): void => void wrong.push(`${row.path} (${row.id}) ${what}`);

  for (const row of rows) {
    const whole = byId.get(row.parent_id ?? '');
    const node = nodeAt(row.path);
    const parts = partsOf(row);
    if (!SETTLED.includes(row.state)) say(row, `is ${row.state}`);
    if (row.failures > row.attempts) say(row, `has failed ${row.failures} times of ${row.attempts}`);
    if (new Set(parts.map(({ path }) => path)).size < parts.length) say(row, 'has a part twice');
    if (row.state === 'completed') {
      const done = parts.filter(({ state }) => state === 'completed');
      const missing = parts.filter(({ state }) => state !== 'completed').map(({ path }) => path);
      const sum = done.reduce((all, part) => all + (part.result?.sum ?? Number.NaN), node.value);
      if (parts.length !== node.parts.length) say(row, `has ${parts.length} parts of ${node.parts.length}`);
      if (row.result?.by !== row.agent_id) say(row, `is ${row.agent_id}'s, and was done by ${row.result?.by}`);
      if (row.result?.sum !== sum) say(row, `is ${row.result?.sum}, and its parts make ${sum}`);
      if (JSON.stringify(row.result?.missing) !== JSON.stringify(missing)) say(row, `is not without ${missing.join()}`);
      if (missing.length > 0 && (node.onFailure ?? row.on_failure) === 'fail-fast')
        say(row, 'is done though it must fail');
    }
    if (row.state === 'failed') {
      const { code, details } = row.error ?? { code: 'none' };
      const failed = parts.find(({ path }) => path === details?.key);
      if (code === 'PART_FAILED') {
        if ((node.onFailure ?? row.on_failure) !== 'fail-fast') say(row, 'has failed over a part, and may not');
        if (failed?.state !== 'failed' && failed?.state !== 'cancelled') say(row, `has failed over ${failed?.state}`);
      } else if (code === 'REFUSED') {
        if (node.failures >= 0) say(row, 'was refused without a reason');
      } else if (code !== 'HANDLER_FAILED' && code !== 'TASK_AGENT_LOST') say(row, `has failed for ${code}`);
      else if (row.failures < row.attempts) say(row, `has failed for good after ${row.failures} of ${row.attempts}`);
      if (code === 'HANDLER_FAILED' && node.failures < 1) say(row, 'has failed without a reason');
    }
    const isExplained = cancellations.has(row.id) || whole?.state === 'failed' || whole?.state === 'cancelled';
    if (row.state === 'cancelled' && !isExplained) say(row, 'was cancelled without a reason');
  }

  for (const { id, was, state, began, whole } of changes) {
    const row = byId.get(id) as Row;
    if (was === 'completed' && state !== 'completed') say(row, `was done, and is ${state} again`);
    if (began && whole !== null && SETTLED.includes(whole)) say(row, `began below what was ${whole}`);
    if (began && was !== 'assigned') say(row, `began while it was ${was}`);
  }
  return wrong;
}
