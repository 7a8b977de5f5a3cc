import { formatRecipient } from 'agentmq/protocol';
import type { HopRecord, StoredDelivery, StoredMessage } from 'agentmq/message-store';
import { attemptsOf } from './attempts.js';
import { inOrder } from './order.js';
import type { Hop, HopOutcome, Trace } from './trace.js';
import { kindOf } from './tracing.js';

/** All that is known of one message. */
interface Known {
  readonly messageId: string;
  stored?: StoredMessage;
  readonly sent: HopRecord[];
  readonly received: HopRecord[];
}

const OUTCOMES = {
  pending: 'waiting',
  processing: 'handling',
  retrying: 'retrying',
  completed: 'completed',
  dead: 'failed',
  expired: 'expired',
} as const;

/** Joins what the store has of durable messages to what was recorded of all. `most` hops at most. */
export function assemble(
  id: string,
  stored: readonly StoredMessage[],
  records: readonly HopRecord[],
  { most, isPart }: { readonly most: number; readonly isPart: boolean },
): Trace {
  const { hops: all, path } = inOrder([...known(stored, records)].flatMap(hopsOf));
  const hops = all.slice(0, most);
  const truncated = isPart || all.length > most;
  const times = hops.flatMap(timesOf).sort((a, b) => a - b);
  const answered = new Set(hops.filter(({ kind }) => kind === 'reply').map(({ causationId }) => causationId));
  return {
    id,
    path,
    hops,
    startedAt: new Date(times[0] ?? 0),
    endedAt: new Date(times.at(-1) ?? 0),
    complete: !truncated && hops.every((hop) => isOver(hop, answered)),
    recorded: records.length > 0,
    truncated,
  };
}

function known(stored: readonly StoredMessage[], records: readonly HopRecord[]): Iterable<Known> {
  const messages = new Map<string, Known>();
  // A message and the task that was made of it may have one id.
  const of = (messageId: string, isTask = false): Known => {
    const place = isTask ? `task ${messageId}` : messageId;
    let found = messages.get(place);
    if (!found) messages.set(place, (found = { messageId, sent: [], received: [] }));
    return found;
  };
  for (const each of stored) of(each.message.messageId).stored = each;
  for (const record of records) of(record.messageId, record.about?.kind === 'task')[record.side].push(record);
  return messages.values();
}

/** One for each consumer of the message that is known; one if there is none. */
function hopsOf({ messageId, stored, sent, received }: Known): Hop[] {
  const about = aboutOf(stored, [...sent, ...received]);
  // The message of a hop that is left over was forgotten, or its own trace was cut off.
  if (!about) return [];
  const published = sent.filter(({ outcome }) => outcome === 'published').map(({ endedAt }) => endedAt);
  const publishedAt = earliest(published);
  const common = {
    messageId,
    ...about,
    sentAt: stored?.message.timestamp ?? earliest([...sent, ...received].map(({ beganAt }) => beganAt)) ?? new Date(0),
    ...optional('storedAt', stored?.storedAt),
    ...optional('publishedAt', publishedAt),
  };
  // What was published at last is not told of by what went wrong before; a request is, by what its asker got for an answer.
  const isTold = about.kind === 'request' || published.length === 0;
  const failure = isTold ? sent.findLast(({ error }) => error !== undefined)?.error : undefined;
  const deliveries = new Map(stored?.deliveries.map((delivery) => [delivery.consumer, delivery]));
  const consumers = new Set([...deliveries.keys(), ...received.flatMap(({ consumer }) => consumer ?? [])]);
  if (consumers.size === 0) {
    const isPublished = published.length > 0 || stored?.published === true;
    const outcome = failure && !stored ? 'failed' : isPublished ? 'published' : 'waiting';
    return [{ ...common, attempts: [], outcome, ...(isPublished && stored ? {} : optional('error', failure)) }];
  }
  return [...consumers].map((consumer) => {
    const delivery = deliveries.get(consumer);
    const own = received.filter((each) => each.consumer === consumer);
    const attempts = attemptsOf(delivery, own);
    const last = attempts.at(-1);
    // Of a task that will be tried again only its agent's record tells.
    const isRetrying = !delivery && own.at(-1)?.outcome === 'retrying';
    const outcome = isRetrying ? 'retrying' : outcomeOf(delivery, last?.outcome);
    const receivedAt = earliest([delivery?.receivedAt, ...attempts.map((each) => each.receivedAt)]);
    const reason =
      last?.error ?? (delivery?.error ? { name: delivery.error.name, code: delivery.error.code } : undefined);
    return {
      ...common,
      consumer,
      // A message may be received before the confirm of its publication is back.
      ...(publishedAt ? optional('publishedAt', earliest([publishedAt, receivedAt])) : {}),
      ...optional('receivedAt', receivedAt),
      ...optional('handledAt', delivery ? (delivery.finishedAt ?? undefined) : last?.handledAt),
      attempts,
      outcome,
      // The asker's own error, such as a time-out, beside a request that was handled.
      ...optional('error', outcome === 'completed' ? failure : (reason ?? failure)),
    };
  });
}

function aboutOf(
  stored: StoredMessage | undefined,
  records: readonly HopRecord[],
): Pick<Hop, 'kind' | 'type' | 'from' | 'to' | 'causationId'> | undefined {
  const recorded = records.find(({ about }) => about)?.about;
  if (!stored) {
    if (!recorded) return undefined;
    const { sender: from, recipient: to, ...rest } = recorded;
    return { ...rest, from, to };
  }
  const { type, sender: from, recipient, causationId } = stored.message;
  const kind = recorded?.kind ?? kindOf(stored.message);
  return { kind, type, from, to: formatRecipient(recipient), ...optional('causationId', causationId) };
}

function outcomeOf(
  delivery: StoredDelivery | undefined,
  last: Hop['attempts'][number]['outcome'] | undefined,
): HopOutcome {
  if (delivery) return OUTCOMES[delivery.state];
  return last === undefined || last === 'fenced' ? 'waiting' : last;
}

/** A request is over when it was answered, or its asker had an error in place of the answer. */
function isOver(
  { messageId, kind, to, consumer, outcome, error }: Hop,
  answered: ReadonlySet<string | undefined>,
): boolean {
  if (kind === 'request') return answered.has(messageId) || error !== undefined;
  // Published to many of which none is known: there was none to take it.
  if (outcome === 'published') return to === 'broadcast' || to.startsWith('topic:') || consumer !== undefined;
  return outcome === 'completed' || outcome === 'failed' || outcome === 'expired';
}

const timesOf = ({ sentAt, storedAt, publishedAt, receivedAt, handledAt, attempts }: Hop): number[] =>
  [
    sentAt,
    storedAt,
    publishedAt,
    receivedAt,
    handledAt,
    ...attempts.flatMap((each) => [each.receivedAt, each.handledAt]),
  ]
    .filter((at) => at !== undefined)
    .map((at) => at.getTime());

const earliest = (times: readonly (Date | null | undefined)[]): Date | undefined =>
  times.reduce<Date | undefined>((least, at) => (at && (!least || at < least) ? at : least), undefined);

const optional = <K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [key in K]?: V });
