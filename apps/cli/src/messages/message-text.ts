import type { DeliveryView, Explanation, MessageRow, MessageView } from 'agentmq/operations';
import {
  age,
  count,
  errorLine,
  print,
  printFields,
  printHeading,
  stateStyle,
  type TableView,
} from '../output/index.js';

export const messagesView: TableView<MessageRow> = {
  columns: [
    { title: 'id', align: 'left', cell: ({ id }) => id },
    {
      title: 'type',
      align: 'left',
      least: 8,
      cell: ({ type, version }) => (version === 1 ? type : `${type}@${version}`),
    },
    { title: 'sender', align: 'left', least: 8, optional: 2, cell: ({ sender }) => sender },
    { title: 'recipient', align: 'left', least: 10, optional: 1, cell: ({ recipient }) => recipient },
    { title: 'keys', align: 'left', least: 8, optional: 3, cell: keysOf },
    { title: 'stored', align: 'right', cell: ({ storedAt }) => age(storedAt) },
    { title: 'state', align: 'left', least: 10, paint: stateStyle, cell: stateOf },
  ],
  none: 'no messages',
};

function keysOf({ keys }: Pick<MessageRow, 'keys'>): string {
  return keys.map(({ name, value }) => `${name}=${value}`).join(' ');
}

/** The states of its deliveries; with the consumer where there is one. */
function stateOf({ published, deliveries }: MessageRow): string {
  if (deliveries.length === 0) return published ? 'nobody is owed it' : 'not published yet';
  const states = new Map<string, number>();
  for (const { state, discarded } of deliveries) {
    const told = discarded ? 'discarded' : state;
    states.set(told, (states.get(told) ?? 0) + 1);
  }
  const [only] = deliveries;
  if (deliveries.length === 1 && only) return [...states.keys()].join();
  return [...states].map(([state, number]) => `${state} ${number}`).join(', ');
}

/** Prints one message, all its deliveries with the attempts that failed, and its payload. */
export function printMessage(view: MessageView): void {
  const { id, type, version, sender, recipient, sentAt, storedAt, causationId, correlationId, traceId } = view;
  printFields({
    message: id,
    type: `${type} version ${version}`,
    keys: view.keys.length > 0 ? keysOf(view) : undefined,
    sender,
    recipient,
    sent: sentAt.toISOString(),
    stored: storedAt.toISOString(),
    'due at': view.deliverAt?.toISOString(),
    'expires at': view.expiresAt?.toISOString(),
    'caused by': causationId,
    correlation: correlationId,
    trace: traceId,
    published: view.published ? undefined : (['not yet', 'yellow'] as const),
  });
  for (const delivery of view.deliveries) printDelivery(delivery);
  printHeading('payload');
  const { payload, payloadHidden } = view;
  if (payloadHidden === undefined) print(...JSON.stringify(payload, null, 2).split('\n').map(indented));
  else print(indented(`not shown: ${payloadHidden}`));
}

function printDelivery(delivery: DeliveryView): void {
  const { consumer, state, attempt, agentId, error, history, firstFailedAt, lastFailedAt, discarded } = delivery;
  print('');
  printFields({
    consumer,
    state: discarded
      ? [`${state}, discarded ${discarded.at.toISOString()}: ${discarded.reason}`, 'dim']
      : [state, stateStyle(state)],
    attempts: String(attempt),
    'last agent': agentId ?? undefined,
    'first failure': firstFailedAt?.toISOString(),
    'last failure': lastFailedAt?.toISOString(),
    error: error ? `${error.name} (${error.code}): ${error.message}` : undefined,
  });
  const stack = (error?.stack ?? '').split('\n').slice(1);
  print(
    ...stack.map((line) => indented(line.trim())),
    ...history.map((each) =>
      indented(
        `attempt ${each.attempt} at ${each.at.toISOString()} by ${each.agentId ?? '-'}: ${errorLine(each.error)}`,
      ),
    ),
  );
}

/** Prints why a message has, or has not, been handled at one consumer. */
export function printExplanation(explanation: Explanation): void {
  const { consumer, reason, text, advice, since, until, agent, error, queueDepth } = explanation;
  printFields({
    consumer,
    reason: [reason, stateStyle(reason) ?? 'yellow'],
    '': text,
    advice,
    since: since && `${since.toISOString()} (${age(since)} ago)`,
    until: until?.toISOString(),
    agent,
    error: error && errorLine(error),
    'in its queue': queueDepth === undefined ? undefined : count(queueDepth),
  });
}

const indented = (line: string): string => `  ${line}`;
