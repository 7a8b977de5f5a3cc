import type { Message } from 'agentmq/protocol';
import { type EntityManager, In } from 'typeorm';
import { clean, type Database, InvalidSelectionError } from 'agentmq/database';
import { fromJson } from '../deliveries/delivery-error.js';
import {
  type ConsumerName,
  type DeliveryError,
  type DeliveryState,
  type FailedAttempt,
  openStates,
} from '../deliveries/delivery.js';
import { DeliveryEntity, MessageEntity, OutboxEntity } from '../entities/index.js';
import { decode } from '../messages/header-codec.js';
import { toMessage } from '../messages/message-row.js';
import type { Statements } from '../sql/index.js';
import type { ConsumerFigure, StoreCounts, StoreFigures } from './figures.js';
import type { MessageFilter, StoredDelivery, StoredMessage, TraceSummary } from './stored-message.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** The reading side, for people and tools: by entities, each answer of one moment. */
export class HistoryStore {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  async find(messageId: string): Promise<StoredMessage | undefined> {
    return this.database.read(async (manager) => {
      const message = await manager.findOneBy(MessageEntity, { messageId: clean(messageId) });
      return message ? (await withDeliveries(manager, [message]))[0] : undefined;
    });
  }

  list(filter: MessageFilter): Promise<StoredMessage[]> {
    return this.page(filter, filter.state && [filter.state]);
  }

  /** Messages that the consumer is owed and has not settled, oldest first; `limit` and `after` as in `list`. */
  unprocessed(consumer: ConsumerName, page: Pick<MessageFilter, 'limit' | 'after'> = {}): Promise<StoredMessage[]> {
    return this.page({ ...page, consumer }, openStates);
  }

  private page(filter: MessageFilter, states: readonly DeliveryState[] | undefined): Promise<StoredMessage[]> {
    return this.database.read(async (manager) => {
      const query = manager
        .createQueryBuilder(MessageEntity, 'm')
        .orderBy('m.storedAt')
        .addOrderBy('m.messageId')
        .limit(Math.min(Math.max(filter.limit ?? DEFAULT_LIMIT, 0), MAX_LIMIT));
      const equal = { correlationId: filter.correlationId, traceId: filter.traceId, type: filter.type };
      for (const [field, value] of Object.entries(equal)) {
        if (value !== undefined) query.andWhere(`m.${field} = :${field}`, { [field]: clean(value) });
      }
      if (filter.received !== undefined) query.andWhere('m.received = :received', { received: filter.received });
      if (filter.bodies === false) query.select(withoutBody(manager).map((column) => `m.${column}`));
      if (filter.after !== undefined) {
        const after = clean(filter.after);
        // a Date would cut off the microseconds
        const at = `(SELECT stored_at FROM "${this.database.schema}".messages WHERE message_id = :after)`;
        query.andWhere(`(m.storedAt, m.messageId) > (${at}, :after)`, { after });
        if (!(await manager.existsBy(MessageEntity, { messageId: after })))
          throw new InvalidSelectionError('after', 'is the id of no stored message');
      }
      if (filter.consumer !== undefined || states !== undefined) {
        const deliveries = query.subQuery().select('d.messageId').from(DeliveryEntity, 'd').where('true');
        if (filter.consumer !== undefined) deliveries.andWhere('d.consumer = :consumer');
        if (states !== undefined) deliveries.andWhere('d.state IN (:...states)');
        if (states?.includes('dead') && !filter.discarded) deliveries.andWhere('d.discarded IS NULL');
        query
          .andWhere(`m.messageId IN ${deliveries.getQuery()}`)
          .setParameters({ consumer: filter.consumer && clean(filter.consumer), states });
      }
      return withDeliveries(manager, await query.getMany());
    });
  }

  /** Sums up the trace that a message belongs to, itself alone when it has none. Reads no bodies. */
  async trace({ messageId, trace }: Pick<Message, 'messageId' | 'trace'>): Promise<TraceSummary> {
    // version, trace id, parent id and flags, with dashes between (W3C Trace Context, section 3.2)
    const traceId = trace ? clean(trace.traceparent).slice(3, 35) : null;
    const [summary] = await this.database.ownQuery<TraceSummary>(this.sql.trace, [traceId, clean(messageId)]);
    return summary ?? { agents: [], messages: 0, completed: 0 };
  }

  async counts(): Promise<StoreCounts> {
    const [row] = await this.database.ownQuery<Record<DeliveryState | 'messages' | 'outbox', number>>(
      this.sql.counts,
      [],
    );
    const { messages = 0, outbox = 0, ...deliveries } = row ?? {};
    return { messages, outbox, deliveries: deliveries as Record<DeliveryState, number> };
  }

  /**
   * What waits and what is dead, at these consumers (0 where there is nothing) and, with `all`, at the others that have
   * something of it as well. Costs as much as is found, whatever the history.
   */
  async figures(consumers: readonly ConsumerName[], all: boolean): Promise<StoreFigures> {
    return toFigures(await this.database.ownQuery<FigureRow>(this.sql.figures, [consumers.map(clean), all]));
  }
}

interface FigureRow {
  readonly kind: 'entries' | 'oldest' | 'refused' | ConsumerFigure['state'];
  readonly name: string | null;
  readonly value: number | null;
}

function toFigures(rows: readonly FigureRow[]): StoreFigures {
  const { entries, oldest } = Object.fromEntries(rows.map(({ kind, value }) => [kind, value]));
  const named = rows.flatMap(({ kind, name, value }) => (name === null ? [] : [{ kind, name, count: value ?? 0 }]));
  return {
    entries: entries ?? 0,
    oldest: oldest ?? null,
    refusing: named.flatMap(({ kind, name, count }) => (kind === 'refused' ? [{ target: name, entries: count }] : [])),
    deliveries: named.flatMap(({ kind, name, count }) =>
      kind === 'entries' || kind === 'oldest' || kind === 'refused' ? [] : [{ consumer: name, state: kind, count }],
    ),
  };
}

const withoutBody = (manager: EntityManager): string[] =>
  manager.connection
    .getMetadata(MessageEntity)
    .columns.map(({ propertyName }) => propertyName)
    .filter((property) => property !== 'body');

async function withDeliveries(manager: EntityManager, messages: readonly MessageEntity[]): Promise<StoredMessage[]> {
  if (messages.length === 0) return [];
  const ids = In(messages.map(({ messageId }) => messageId));
  const deliveries = await manager.find(DeliveryEntity, {
    where: { messageId: ids },
    order: { receivedAt: 'ASC', consumer: 'ASC' },
  });
  const open = await manager.find(OutboxEntity, { select: { id: true, messageId: true }, where: { messageId: ids } });
  const unpublished = new Set(open.map(({ messageId }) => messageId));
  const byMessage = new Map<string, StoredDelivery[]>(messages.map(({ messageId }) => [messageId, []]));
  for (const delivery of deliveries) byMessage.get(delivery.messageId)?.push(toDelivery(delivery));
  return messages.map((message) => ({
    message: toMessage(message),
    storedAt: message.storedAt,
    received: message.received,
    published: !unpublished.has(message.messageId),
    deliveries: byMessage.get(message.messageId) ?? [],
  }));
}

const toDelivery = (row: DeliveryEntity): StoredDelivery => ({
  messageId: row.messageId,
  consumer: row.consumer,
  state: row.state as DeliveryState,
  attempt: row.attempt,
  agentId: row.agentId,
  error: fromJson(row.error),
  history: (row.history ?? []).map((attempt) => toFailedAttempt(attempt as StoredAttempt)),
  dueAt: row.state === 'retrying' ? row.dueAt : null,
  receivedAt: row.receivedAt,
  finishedAt: row.finishedAt,
  discarded: row.discarded === null ? null : toDiscarded(row.discarded as StoredDiscard),
});

/** As `sql/failed-attempts.ts` writes it. */
interface StoredAttempt {
  readonly attempt: number;
  readonly at: string;
  readonly agentId: string | null;
  readonly error: unknown;
}

const toFailedAttempt = ({ attempt, at, agentId, error }: StoredAttempt): FailedAttempt => ({
  attempt,
  at: new Date(at),
  agentId,
  error: decode(error) as DeliveryError,
});

/** As `sql/discard.ts` writes it. */
interface StoredDiscard {
  readonly at: string;
  readonly reason: string;
}

const toDiscarded = ({ at, reason }: StoredDiscard): StoredDelivery['discarded'] => ({ at: new Date(at), reason });
