import { clean } from 'agentmq/database';
import type { Bindings } from '../history/bindings.js';
import type { DeadLetterFilter, DeadLetterPlace } from '../history/dead-letter.js';
import { consumersNamed } from './replay.js';
import { errorConditions, exactTime, messageConditions } from './selected.js';

/** What the index of dead letters holds. */
const isDead = `d.state = 'dead' AND d.discarded IS NULL`;

/**
 * Dead letters, the newest first. Each consumer's are read in the order of an index and no further than the limit, so that a page
 * costs the same however many there are; a type or a text that few have is looked for among all.
 */
export function deadLetterPage(
  schema: string,
  filter: DeadLetterFilter,
  page: { readonly limit: number; readonly after: DeadLetterPlace | undefined },
  bindings: Bindings,
): string {
  const { add } = bindings;
  const { after } = page;
  const consumers = consumersNamed(schema, filter.consumer, bindings);
  const limit = add(page.limit);
  const conditions = [
    ...messageConditions(filter, bindings),
    ...errorConditions(schema, filter, bindings),
    ...(filter.discarded ? [] : ['d.discarded IS NULL']),
    ...(after ? before(add(clean(after.storedAt)), add(clean(after.messageId)), add(clean(after.consumer))) : []),
  ];
  return `
${consumers}
SELECT d.* FROM consumers c CROSS JOIN LATERAL (
  SELECT ${exactTime('d.stored_at')} AS "storedAt", d.stored_at, d.message_id AS "messageId", d.consumer, m.type, m.version::double precision AS version, m.sender, m.sent_at AS "sentAt",
    d.attempt, d.error, "${schema}".error_group(d.error) AS "errorGroup", d.history[1] AS first,
    d.history[cardinality(d.history)] AS last, d.finished_at AS "finishedAt", d.discarded
  FROM "${schema}".deliveries d JOIN "${schema}".messages m ON m.message_id = d.message_id
  WHERE d.consumer = c.consumer AND d.state = 'dead' AND ${conditions.concat('true').join(' AND ')}
  ORDER BY d.stored_at DESC, d.message_id DESC
  LIMIT ${limit}
) AS d
ORDER BY d.stored_at DESC, d."messageId" DESC, d.consumer DESC
LIMIT ${limit}`;
}

const before = (at: string, id: string, consumer: string): string[] => [
  `d.stored_at <= ${at}::timestamptz`,
  `(d.stored_at, d.message_id, d.consumer) < (${at}::timestamptz, ${id}, ${consumer})`,
];

/** The most errors that are told apart, over all consumers. */
const MOST_ERRORS = 1_000;
/** The most dead letters that are read in all, and of one error. */
const MOST_READ = 10_000;
const MOST_READ_OF_ONE = 1_000;

/**
 * Groups, those that failed last first. Errors are found by skipping through their index; of each the newest dead letters are read
 * and counted by contract: so it costs no more with a million of them.
 */
export function deadLetterGroups(
  schema: string,
  { consumer, type, version }: Pick<DeadLetterFilter, 'consumer' | 'type' | 'version'>,
  { add }: Bindings,
): string {
  const group = `"${schema}".error_group(d.error)`;
  const of = consumer === undefined ? '' : ` AND d.consumer = ${add(clean(consumer))}`;
  const next = (more: string): string => `
    SELECT d.consumer, ${group} AS error_group FROM "${schema}".deliveries d
    WHERE ${isDead}${of}${more} ORDER BY d.consumer, ${group} LIMIT 1`;
  const conditions = [
    'true',
    ...(type === undefined ? [] : [`m.type = ${add(clean(type))}`]),
    ...(version === undefined ? [] : [`m.version = ${add(version)}`]),
  ];
  return `
WITH RECURSIVE errors (consumer, error_group) AS (
  SELECT * FROM (${next('')}) AS first
  UNION ALL
  SELECT n.* FROM errors e CROSS JOIN LATERAL (${next(` AND (d.consumer, ${group}) > (e.consumer, e.error_group)`)}) AS n
), known AS MATERIALIZED (
  SELECT * FROM errors LIMIT ${MOST_ERRORS}
), share AS (
  SELECT least(${MOST_READ_OF_ONE}, ${MOST_READ} / greatest(count(*), 1)) AS most FROM known
), groups AS MATERIALIZED (
  SELECT known.consumer, known.error_group, g.*
  FROM known CROSS JOIN share CROSS JOIN LATERAL (
    SELECT m.type, m.version, count(*) AS count, sum(count(*)) OVER () >= share.most AS more,
      min(d.finished_at) AS first_at, max(d.finished_at) AS last_at, (array_agg(d.message_id ORDER BY d.finished_at DESC))[1] AS example
    FROM (
      SELECT d.message_id, d.finished_at FROM "${schema}".deliveries d
      WHERE ${isDead} AND d.consumer = known.consumer AND ${group} = known.error_group
      ORDER BY d.stored_at DESC, d.message_id DESC LIMIT share.most
    ) AS d JOIN "${schema}".messages m ON m.message_id = d.message_id
    GROUP BY m.type, m.version
  ) AS g
)
SELECT m.consumer, m.type, m.version::double precision AS version, m.error_group AS "errorGroup", d.error, m.count::integer AS count,
  m.more, m.first_at AS "firstAt", m.last_at AS "lastAt", m.example
FROM groups m JOIN "${schema}".deliveries d ON d.message_id = m.example AND d.consumer = m.consumer
WHERE ${conditions.join(' AND ')}
ORDER BY m.last_at DESC, m.consumer, m.type, m.version, m.error_group`;
}
