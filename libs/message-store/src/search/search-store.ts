import { clean, type Database, type Transaction } from 'agentmq/database';
import { parseRecipient, type Recipient } from 'agentmq/protocol';
import { Bindings } from '../history/bindings.js';
import type { Statements } from '../sql/index.js';
import { isExact, pathSize, searchPage, type SearchPath, searchPaths } from '../sql/search.js';
import type { DeliveryFacts, EntryFacts, MessageFacts } from './message-facts.js';
import type { FoundDelivery, FoundMessage, FoundMessages, SearchFilter, SearchPosition } from './found-message.js';

/** So many rows of each of several paths are counted to choose one. */
const COUNTED = 2_000;
/** So many messages are gone over by one statement, if not all of a path are searched for. */
const FIRST_WALK = 500;
const LONGEST_WALK = 5_000;
/** A search that has found too little by then answers what it has, and where it got to. */
const LONGEST_MS = 300;

/** Finds messages, the newest first: by an index for each criterion, so that a page costs the same whatever the history. */
export class SearchStore {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  /** A page of at most `limit` messages, of one moment. What is rare among much takes several pages, some of them empty. */
  search(filter: SearchFilter, limit: number, after?: SearchPosition): Promise<FoundMessages> {
    return this.database.ownTransaction(
      async (transaction) => {
        const path = await this.chosen(filter, transaction);
        const { rows, next } = await this.found(path, filter, limit, after, transaction);
        return { messages: await this.complete(rows, transaction), ...(next ? { next } : {}) };
      },
      { isolation: 'REPEATABLE READ' },
    );
  }

  /** The keys of messages, by their ids; of one without keys, none. */
  async keysOf(ids: readonly string[], transaction?: Transaction): Promise<ReadonlyMap<string, FoundMessage['keys']>> {
    const rows = await this.database.ownQuery<KeyRow>(this.sql.keysOfMessages, [ids.map(clean)], transaction);
    return grouped(rows);
  }

  /** Where a message is, by all that the store knows of it. Undefined when it is not stored. */
  facts(messageId: string): Promise<MessageFacts | undefined> {
    const ofMessage = [clean(messageId)];
    return this.database.ownTransaction(
      async (transaction) => {
        const [message] = await transaction.query<MessageRow>(this.sql.factsOfMessage, ofMessage);
        if (!message) return undefined;
        const { kind, name, sentTo, ...row } = message;
        const entries = await transaction.query<EntryFacts>(this.sql.factsOfEntries, ofMessage);
        const deliveries = await transaction.query<DeliveryFacts>(this.sql.factsOfDeliveries, ofMessage);
        return { ...row, recipient: parseRecipient(sentTo ?? '') ?? { kind, name }, entries, deliveries };
      },
      { isolation: 'REPEATABLE READ' },
    );
  }

  private async chosen(filter: SearchFilter, transaction: Transaction): Promise<SearchPath> {
    let [best, ...others] = searchPaths(filter);
    if (others.length === 0) return best;
    let fewest = Infinity;
    for (const path of [best, ...others]) {
      const bindings = new Bindings();
      const sql = pathSize(this.database.schema, path, filter, COUNTED, bindings);
      const [{ rows } = { rows: 0 }] = await transaction.query<{ rows: number }>(sql, bindings.values);
      if (rows < fewest) [best, fewest] = [path, rows];
    }
    return best;
  }

  private async found(
    path: SearchPath,
    filter: SearchFilter,
    limit: number,
    from: SearchPosition | undefined,
    transaction: Transaction,
  ): Promise<{ readonly rows: FoundRow[]; readonly next: SearchPosition | undefined }> {
    const end = performance.now() + LONGEST_MS;
    const exact = isExact(this.database.schema, path, filter);
    const found: FoundRow[] = [];
    let after = from;
    for (let walk = exact ? limit + 1 : FIRST_WALK; ; walk = LONGEST_WALK) {
      const bindings = new Bindings();
      const page = { after, walk, limit: limit + 1 - found.length };
      const sql = searchPage(this.database.schema, path, filter, page, bindings);
      const rows = await transaction.query<PageRow>(sql, bindings.values);
      found.push(...rows.filter(isFound));
      const last = found[limit - 1];
      if (found.length > limit && last) return { rows: found.slice(0, limit), next: { at: last.at, id: last.id } };
      const [reached] = rows;
      if (!reached || reached.walked < walk) return { rows: found, next: undefined };
      after = { at: reached.lastAt, id: reached.lastId };
      if (performance.now() >= end) return { rows: found, next: after };
    }
  }

  private async complete(rows: readonly FoundRow[], transaction: Transaction): Promise<FoundMessage[]> {
    if (rows.length === 0) return [];
    const ids = rows.map(({ id }) => id);
    const deliveries = grouped(await transaction.query<DeliveryRow>(this.sql.deliveryHeads, [ids]));
    const keys = await this.keysOf(ids, transaction);
    return rows.map(({ walked: _, lastAt: __, lastId: ___, at: ____, recipientKind, recipient, ...row }) => ({
      ...row,
      recipient: { kind: recipientKind, name: recipient },
      keys: keys.get(row.id) ?? [],
      deliveries: deliveries.get(row.id) ?? [],
    }));
  }
}

interface MessageRow extends Omit<MessageFacts, 'recipient' | 'entries' | 'deliveries'> {
  readonly kind: Recipient['kind'];
  readonly name: string;
  readonly sentTo: string | null;
}

interface FoundRow extends Omit<FoundMessage, 'recipient' | 'keys' | 'deliveries'> {
  readonly walked: number;
  readonly lastAt: string;
  readonly lastId: string;
  readonly at: string;
  readonly recipientKind: Recipient['kind'];
  readonly recipient: string;
}

/** How far the statement got, and a message if it found one. */
type PageRow = FoundRow | (Pick<FoundRow, 'walked' | 'lastAt' | 'lastId'> & { readonly id: null });

const isFound = (row: PageRow): row is FoundRow => row.id !== null;

interface KeyRow {
  readonly messageId: string;
  readonly name: string;
  readonly value: string;
}

interface DeliveryRow extends FoundDelivery {
  readonly messageId: string;
}

/** Rows by their message, without its id. */
function grouped<Row extends { readonly messageId: string }>(
  rows: readonly Row[],
): ReadonlyMap<string, Omit<Row, 'messageId'>[]> {
  const groups = new Map<string, Omit<Row, 'messageId'>[]>();
  for (const { messageId, ...row } of rows) {
    const group = groups.get(messageId);
    if (group) group.push(row);
    else groups.set(messageId, [row]);
  }
  return groups;
}
