import { clean } from 'agentmq/database';
import type { DeliveryState } from '../deliveries/delivery.js';
import type { Bindings } from '../history/bindings.js';
import type { SearchFilter, SearchPosition } from '../search/found-message.js';
import { exactTime } from './selected.js';

type Criterion = keyof SearchFilter;

/** An index in the order of time that finds what fulfils some of the criteria, the newest first. */
export interface SearchPath {
  readonly covers: readonly Criterion[];
  /** Rows of `message_id` and `at`, which may come twice; no further than the limit, which is a placeholder. */
  readonly rows: (schema: string, walk: Walk) => string;
  /** Counts no further than `most` rows; by `rows` unless given. */
  readonly size?: (schema: string, most: string) => string;
}

interface Walk {
  readonly filter: SearchFilter;
  readonly after: SearchPosition | undefined;
  readonly limit: string;
  readonly add: Bindings['add'];
}

const OPEN: readonly DeliveryState[] = ['pending', 'processing', 'retrying', 'dead', 'expired'];

/** The paths that a search can take: one, or several of which the one with the fewest rows is best. */
export function searchPaths(filter: SearchFilter): readonly [SearchPath, ...SearchPath[]] {
  const { id, key, traceId, correlationId, state, consumer, agent, type } = filter;
  if (id !== undefined) return [byColumn('message_id', 'id')];
  if (key) return [byKey];
  if (traceId !== undefined) return [byColumn('trace_id', 'traceId')];
  if (correlationId !== undefined) return [byColumn('correlation_id', 'correlationId')];
  if (state === 'unpublished') return [unpublished, byTime];
  const paths = [
    ...(consumer === undefined && state === undefined ? [] : [byDelivery]),
    ...(agent === undefined ? [] : [byAgent]),
    ...(type === undefined ? [] : [byColumn('type', 'type')]),
  ];
  const [first = byTime, ...more] = paths;
  return [first, ...more];
}

/** Within the times asked for, and after the page before: of a table that has `stored_at` and `message_id`. */
function within({ filter: { from, before }, after, add }: Walk): string {
  return [
    ...(from ? [`stored_at >= ${add(from.toISOString())}::timestamptz`] : []),
    ...(before ? [`stored_at < ${add(before.toISOString())}::timestamptz`] : []),
    ...(after
      ? [
          `stored_at <= ${add(after.at)}::timestamptz`,
          `(stored_at, message_id) < (${add(after.at)}::timestamptz, ${add(clean(after.id))})`,
        ]
      : []),
  ]
    .map((condition) => ` AND ${condition}`)
    .join('');
}

const newest = (table: string, condition: string, walk: Walk): string => `(
      SELECT message_id, stored_at AS at FROM ${table}
      WHERE ${condition}${within(walk)}
      ORDER BY stored_at DESC, message_id DESC LIMIT ${walk.limit}
    )`;

const byColumn = (column: string, criterion: 'id' | 'type' | 'traceId' | 'correlationId'): SearchPath => ({
  covers: [criterion, 'from', 'before'],
  rows: (schema, walk) =>
    newest(`"${schema}".messages`, `${column} = ${walk.add(clean(walk.filter[criterion] ?? ''))}`, walk),
});

const byTime: SearchPath = {
  covers: ['from', 'before'],
  size: (_, most) => `SELECT ${most}::integer AS rows`,
  rows: (schema, walk) => newest(`"${schema}".messages`, 'true', walk),
};

const byKey: SearchPath = {
  covers: ['key', 'from', 'before'],
  rows: (schema, walk) => {
    const { name = '', value = '' } = walk.filter.key ?? {};
    const condition = `name = ${walk.add(clean(name))} AND value = ${walk.add(clean(value))}`;
    return newest(`"${schema}".message_keys`, condition, walk);
  },
};

/** The outbox has no times of its messages: all of it is read, unless it is large. Then the newest messages are in it, mostly. */
const unpublished: SearchPath = {
  covers: ['state', 'from', 'before'],
  size: (schema, most) =>
    `SELECT count(*)::integer + 1 AS rows FROM (SELECT FROM "${schema}".outbox LIMIT ${most}) AS o`,
  rows: (schema, walk) =>
    newest(
      `(SELECT m.* FROM (SELECT DISTINCT message_id FROM "${schema}".outbox) AS o
        CROSS JOIN LATERAL (
          SELECT m.message_id, m.stored_at FROM "${schema}".messages m WHERE m.message_id = o.message_id OFFSET 0
        ) AS m) AS m`,
      'true',
      walk,
    ),
};

/** Deliveries from before their `stored_at` was kept have none (`epoch`), and come last: their messages say when it was. */
const delivered = (schema: string, condition: string, walk: Walk): string => {
  const { from, ...others } = walk.filter;
  const table = `"${schema}".deliveries d`;
  const old = { ...walk, filter: others };
  return [
    newest(table, condition, walk),
    ...(from ? [newest(table, `${condition} AND stored_at = 'epoch'`, old)] : []),
  ].join(' UNION ALL ');
};

/** Each consumer's deliveries in each state are in the index's order; the consumers are found by skipping through it. */
const byDelivery: SearchPath = {
  covers: ['consumer', 'state'],
  rows: (schema, walk) => {
    const { consumer, state } = walk.filter;
    const parts: string[] = [];
    const consumersOf = (where: string): string =>
      consumer === undefined
        ? `(
      WITH RECURSIVE consumers (consumer) AS (
        (SELECT d.consumer FROM "${schema}".deliveries d WHERE ${where} ORDER BY d.consumer LIMIT 1)
        UNION ALL
        SELECT (
          SELECT d.consumer FROM "${schema}".deliveries d
          WHERE ${where} AND d.consumer > c.consumer ORDER BY d.consumer LIMIT 1
        ) FROM consumers c WHERE c.consumer IS NOT NULL
      ) SELECT consumer FROM consumers WHERE consumer IS NOT NULL
    )`
        : `(SELECT ${walk.add(clean(consumer))}::text COLLATE "C" AS consumer)`;
    if (state === undefined || state === 'completed') {
      const where = `d.state = 'completed'`;
      parts.push(`
    SELECT d.message_id, d.at FROM ${consumersOf(where)} AS c
    CROSS JOIN LATERAL (${delivered(schema, `${where} AND d.consumer = c.consumer`, walk)}) AS d`);
    }
    if (state !== 'completed') {
      const where = `d.state <> 'completed'`;
      const states = walk.add(state === undefined ? OPEN : [state]);
      parts.push(`
    SELECT d.message_id, d.at FROM ${consumersOf(where)} AS c
    CROSS JOIN unnest(${states}::text[]) AS s (state)
    CROSS JOIN LATERAL (${delivered(schema, `${where} AND d.consumer = c.consumer AND d.state = s.state`, walk)}) AS d`);
    }
    return parts.join(' UNION ALL ');
  },
};

/** What it sent, and what others sent that it has or had. */
const byAgent: SearchPath = {
  covers: ['agent'],
  rows: (schema, walk) => {
    const agent = walk.add(clean(walk.filter.agent ?? ''));
    return `${newest(`"${schema}".messages`, `sender = ${agent}`, walk)} UNION ALL ${delivered(schema, `agent_id = ${agent}`, walk)}`;
  },
};

/** What the message `m` has to fulfil beside what the path has found it by. */
function conditionsBeside(
  schema: string,
  { covers }: SearchPath,
  filter: SearchFilter,
  add: Bindings['add'],
): string[] {
  const { id, type, consumer, agent, state, from, before, traceId, correlationId, key } = filter;
  const given = (criterion: Criterion): boolean => filter[criterion] !== undefined && !covers.includes(criterion);
  const exists = (table: string, condition: string): string =>
    `(SELECT true FROM "${schema}".${table} x WHERE x.message_id = m.message_id${condition} LIMIT 1)`;
  const atConsumer = (): string => (consumer === undefined ? '' : ` AND x.consumer = ${add(clean(consumer))}`);
  const isOfState = state !== 'unpublished' && given('state');
  return [
    ...(given('id') ? [`m.message_id = ${add(clean(id ?? ''))}`] : []),
    ...(given('type') ? [`m.type = ${add(clean(type ?? ''))}`] : []),
    ...(given('traceId') ? [`m.trace_id = ${add(clean(traceId ?? ''))}`] : []),
    ...(given('correlationId') ? [`m.correlation_id = ${add(clean(correlationId ?? ''))}`] : []),
    ...(from && given('from') ? [`m.stored_at >= ${add(from.toISOString())}::timestamptz`] : []),
    ...(before && given('before') ? [`m.stored_at < ${add(before.toISOString())}::timestamptz`] : []),
    ...(given('consumer') || isOfState
      ? [exists('deliveries', `${atConsumer()}${isOfState ? ` AND x.state = ${add(state)}` : ''}`)]
      : []),
    ...(given('state') && state === 'unpublished' ? [exists('outbox', '')] : []),
    ...(agent !== undefined && given('agent')
      ? [`(m.sender = ${add(clean(agent))} OR ${exists('deliveries', ` AND x.agent_id = ${add(clean(agent))}`)})`]
      : []),
    ...(key && given('key')
      ? [exists('message_keys', ` AND x.name = ${add(clean(key.name))} AND x.value = ${add(clean(key.value))}`)]
      : []),
  ];
}

/** Whether every row of the path is a message that is searched for. */
export const isExact = (schema: string, path: SearchPath, filter: SearchFilter): boolean =>
  conditionsBeside(schema, path, filter, () => '').length === 0;

/** How many rows a path has, no more than `most` of each part of it. */
export function pathSize(
  schema: string,
  path: SearchPath,
  filter: SearchFilter,
  most: number,
  { add }: Bindings,
): string {
  const limit = add(most);
  if (path.size) return path.size(schema, limit);
  return `SELECT count(*)::integer AS rows FROM (${path.rows(schema, { filter, after: undefined, limit, add })}) AS r`;
}

/**
 * Goes along a path over at most `walk` messages and answers the first `limit` of them that fulfil everything else. A row at
 * least, unless nothing was there: how many were gone over, and the last of these. Each message is a probe of the primary
 * key, whatever the planner believes about the tables.
 */
export function searchPage(
  schema: string,
  path: SearchPath,
  filter: SearchFilter,
  page: { readonly after: SearchPosition | undefined; readonly walk: number; readonly limit: number },
  { add }: Bindings,
): string {
  const limit = add(page.walk);
  const rows = path.rows(schema, { filter, after: page.after, limit, add });
  const conditions = ['true', ...conditionsBeside(schema, path, filter, add)];
  return `
WITH walked AS MATERIALIZED (
  SELECT DISTINCT at, message_id FROM (${rows}) AS r ORDER BY at DESC, message_id DESC LIMIT ${limit}
), found AS MATERIALIZED (
  SELECT walked.at, m.*
  FROM walked CROSS JOIN LATERAL (
    SELECT m.message_id, m.type, m.version, m.sender, m.recipient_kind, m.recipient, m.sent_at, m.stored_at, m.trace_id,
      m.correlation_id
    FROM "${schema}".messages m WHERE m.message_id = walked.message_id OFFSET 0
  ) AS m
  WHERE ${conditions.join(' AND ')}
  ORDER BY walked.at DESC, m.message_id DESC
  LIMIT ${add(page.limit)}
)
SELECT (SELECT count(*) FROM walked)::integer AS walked, ${exactTime('last.at')} AS "lastAt", last.message_id AS "lastId",
  ${exactTime('m.at')} AS at, m.message_id AS id, m.type, m.version::float8 AS version, m.sender,
  m.recipient_kind AS "recipientKind", m.recipient, m.sent_at AS "sentAt", m.stored_at AS "storedAt", m.trace_id AS "traceId",
  m.correlation_id AS "correlationId",
  (SELECT true FROM "${schema}".outbox o WHERE o.message_id = m.message_id LIMIT 1) IS NULL AS published
FROM (SELECT * FROM walked ORDER BY at, message_id LIMIT 1) AS last LEFT JOIN found m ON true
ORDER BY m.at DESC, m.message_id DESC`;
}

/** The most deliveries that are read of one message: one to all may have thousands. */
const MOST_DELIVERIES = 50;

/** The error of the delivery `d`, without its stack. */
export const errorHead = `CASE WHEN d.error IS NOT NULL THEN json_build_object(
    'name', d.error ->> 'name', 'code', d.error ->> 'code', 'message', left(d.error ->> 'message', 500)
  ) END`;

/** Deliveries of the messages `$1` in short. */
export const deliveryHeads = (schema: string): string => `
SELECT d.message_id AS "messageId", d.consumer, d.state, d.attempt, d.agent_id AS "agentId",
  ${errorHead} AS error,
  d.discarded IS NOT NULL AS discarded, d.finished_at AS "finishedAt"
FROM unnest($1::text[]) AS asked (message_id) CROSS JOIN LATERAL (
  SELECT * FROM "${schema}".deliveries d WHERE d.message_id = asked.message_id ORDER BY d.consumer LIMIT ${MOST_DELIVERIES}
) AS d`;
