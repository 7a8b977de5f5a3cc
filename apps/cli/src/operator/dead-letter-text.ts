import type { DeadLetterRow, DeliveryView, MessageView } from 'agentmq/apps/monitor';
import { table, type TableColumn } from '../report/index.js';

const columns: readonly TableColumn[] = [
  { title: 'id', align: 'left' },
  { title: 'consumer', align: 'left', least: 10 },
  { title: 'type', align: 'left', least: 8 },
  { title: 'attempts', align: 'right', optional: 2 },
  { title: 'last failed', align: 'left', optional: 1 },
  { title: 'error', align: 'left', least: 12 },
];
const WIDTH = 160;

/** A table of dead letters, no wider than `width` if that can be. */
export function renderDeadLetters(rows: readonly DeadLetterRow[], width = WIDTH): string[] {
  if (rows.length === 0) return ['no dead letters'];
  const cells = rows.map((row) => [
    row.id,
    row.consumer,
    row.type,
    String(row.attempts),
    row.lastFailedAt?.toISOString() ?? '-',
    `${row.discarded ? `(discarded: ${row.discarded.reason}) ` : ''}${row.error ? `${row.error.code}: ${row.error.message}` : '-'}`,
  ]);
  return table(columns, cells, width);
}

/** One message, all its deliveries, the attempts that failed, and its payload. */
export function renderDeadLetter(view: MessageView): string[] {
  const { id, type, version, sender, recipient, sentAt, storedAt, causationId, correlationId, traceId } = view;
  return [
    ...fields({
      message: id,
      type: `${type} version ${version}`,
      sender,
      recipient,
      sent: sentAt.toISOString(),
      stored: storedAt.toISOString(),
      'caused by': causationId,
      correlation: correlationId,
      trace: traceId,
    }),
    ...view.deliveries.flatMap((delivery) => ['', ...renderDelivery(delivery)]),
    '',
    'payload',
    ...(view.payloadHidden === undefined
      ? JSON.stringify(view.payload, null, 2).split('\n').map(indented)
      : [indented(`not shown: ${view.payloadHidden}`)]),
  ];
}

function renderDelivery(delivery: DeliveryView): string[] {
  const { consumer, state, attempt, agentId, error, history, firstFailedAt, lastFailedAt, discarded } = delivery;
  return [
    ...fields({
      consumer,
      state: discarded ? `${state}, discarded ${discarded.at.toISOString()}: ${discarded.reason}` : state,
      attempts: String(attempt),
      'last agent': agentId ?? undefined,
      'first failure': firstFailedAt?.toISOString(),
      'last failure': lastFailedAt?.toISOString(),
      error: error ? `${error.name} (${error.code}): ${error.message}` : undefined,
    }),
    ...(error?.stack ?? '')
      .split('\n')
      .slice(1)
      .map((line) => indented(line.trim())),
    ...history.map((each) =>
      indented(
        `attempt ${each.attempt} at ${each.at.toISOString()} by ${each.agentId ?? '-'}: ${each.error.code}: ${each.error.message}`,
      ),
    ),
  ];
}

const LABEL_WIDTH = 15;

const fields = (values: Readonly<Record<string, string | undefined>>): string[] =>
  Object.entries(values).flatMap(([label, value]) =>
    value === undefined ? [] : [`${label.padEnd(LABEL_WIDTH)}${value}`],
  );

const indented = (line: string): string => `  ${line}`;
