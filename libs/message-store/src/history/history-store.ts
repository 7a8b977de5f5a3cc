import type { Message } from 'agentmq/protocol';
import { clean, type Database, InvalidSelectionError } from 'agentmq/database';
import { fromJson } from '../deliveries/delivery-error.js';
import {
  type ConsumerName,
  type DeliveryError,
  type DeliveryState,
  type FailedAttempt,
  openStates,
} from '../deliveries/delivery.js';
import { decode } from '../messages/header-codec.js';
import { type MessageRow, toMessage } from '../messages/message-row.js';
import { messagePage, type PageSelection } from '../sql/history.js';
import type { Statements } from '../sql/index.js';
import { Bindings } from './bindings.js';
import type { ConsumerFigure, StoreCounts, StoreFigures } from './figures.js';
import type { MessageFilter, StoredDelivery, StoredMessage, TraceSummary } from './stored-message.js';

/** The reading side, for people and tools: each answer is of one moment. */
export class HistoryStore {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  async find(messageId: string): Promise<StoredMessage | undefined> {
    return (await this.read({}, { messageId }))[0];
  }

  list(filter: MessageFilter): Promise<StoredMessage[]> {
    return this.read(filter, { states: filter.state && [filter.state] });
  }

  /** Messages that the consumer is owed and has not settled, oldest first; `limit` and `after` as in `list`. */
  unprocessed(consumer: ConsumerName, page: Pick<MessageFilter, 'limit' | 'after'> = {}): Promise<StoredMessage[]> {
    return this.read({ ...page, consumer }, { states: openStates });
  }

  private read(filter: MessageFilter, only: PageSelection): Promise<StoredMessage[]> {
    const bindings = new Bindings();
    const page = messagePage(this.database.schema, filter, only, bindings);
    return this.database.ownTransaction(
      async (transaction) => {
        if (filter.after !== undefined) {
          const [known] = await transaction.query(this.sql.isStored, [clean(filter.after)]);
          if (!known) throw new InvalidSelectionError('after', 'is the id of no stored message');
        }
        const messages = await transaction.query<StoredRow>(page, bindings.values);
        const ids = messages.map(({ messageId }) => messageId);
        const deliveries = ids.length > 0 ? await transaction.query<DeliveryRow>(this.sql.deliveriesOf, [ids]) : [];
        const byMessage = new Map<string, StoredDelivery[]>(ids.map((id) => [id, []]));
        for (const delivery of deliveries) byMessage.get(delivery.messageId)?.push(toDelivery(delivery));
        return messages.map((row) => ({
          message: toMessage(row),
          storedAt: row.storedAt,
          received: row.received,
          published: row.published,
          deliveries: byMessage.get(row.messageId) ?? [],
        }));
      },
      { isolation: 'REPEATABLE READ' },
    );
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
  readonly kind: 'entries' | 'oldest' | 'refused' | 'age' | ConsumerFigure['state'];
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
    oldestOwed: named.flatMap(({ kind, name, count }) => (kind === 'age' ? [{ consumer: name, age: count }] : [])),
    deliveries: named.flatMap(({ kind, name, count }) =>
      kind === 'entries' || kind === 'oldest' || kind === 'refused' || kind === 'age'
        ? []
        : [{ consumer: name, state: kind, count }],
    ),
  };
}

interface StoredRow extends MessageRow, Pick<StoredMessage, 'storedAt' | 'received' | 'published'> {}

interface DeliveryRow extends Omit<StoredDelivery, 'error' | 'history' | 'discarded'> {
  readonly error: unknown;
  readonly history: readonly StoredAttempt[] | null;
  readonly discarded: StoredDiscard | null;
}

const toDelivery = ({ error, history, discarded, ...row }: DeliveryRow): StoredDelivery => ({
  ...row,
  error: fromJson(error),
  history: (history ?? []).map(toFailedAttempt),
  discarded: discarded && { at: new Date(discarded.at), reason: discarded.reason },
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
