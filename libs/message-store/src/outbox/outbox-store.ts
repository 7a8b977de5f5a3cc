import { isToMany, type Message, shortened } from 'agentmq/protocol';
import { bigints, clean, type Database, integers, type Transaction } from 'agentmq/database';
import { expired } from '../deliveries/delivery-error.js';
import { keyParameters } from '../messages/key-parameters.js';
import { byBytes, distinct } from '../messages/batches.js';
import { type MessageRow, messageParameters, toMessage } from '../messages/message-row.js';
import type { Statements } from '../sql/index.js';
import type { OutboxEntry, OutboxLease, Refusal, StuckEntries, StuckSender } from './outbox-entry.js';

interface EntryRow extends OutboxLease {
  readonly messageId: string;
}

type DueRow = MessageRow &
  (
    | { readonly id: string; readonly closed: false; readonly lease: number; readonly consumer: string | null }
    | { readonly closed: true }
  );

/** The lease of a message that was stored before, or that is not due yet: it names no entry, and settling it does nothing. */
const NO_ENTRY: OutboxLease = { id: '0', lease: 0 };

/** The most targets that are told to refuse at one moment. */
const MOST_REFUSALS = 1_000;

const EXPIRED = expired('before it was published');

/** Why an entry could not be published, in characters. */
const MOST_OF_AN_ERROR = 1_000;

export interface AppendOptions {
  /**
   * The process that will publish at once: it holds the lease, and others leave the entry alone until it runs out.
   * The entry of a message whose `deliverAt` has not come is leased by none.
   */
  readonly owner: string;
  /** Without it, no process leases the entries, and they are due at once: any relay publishes them. */
  readonly leaseMs?: number;
  /** Commits with the caller's own work. */
  readonly transaction?: Transaction;
}

/** The sending side: messages and their outbox. */
export class OutboxStore {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  /**
   * Stores messages with an outbox entry each. Resolves when committed (with a transaction: when that is), with a lease
   * for each message, in the order given. A message id that is stored already keeps its first version and gets no
   * second entry: it is answered with the entry that `owner` still holds (so that an append which may have been
   * committed can be repeated), else with a lease of 0, which names no entry and which settling and postponing pass over.
   */
  async append(messages: readonly Message[], options: AppendOptions): Promise<OutboxLease[]> {
    if (messages.length === 0) return [];
    const parts = byBytes(distinct(messages), ({ body }) => body.length, this.database.statementBytes);
    const insert = async (transaction?: Transaction): Promise<EntryRow[]> => {
      const rows: EntryRow[] = [];
      for (const part of parts) {
        const parameters = [
          ...messageParameters(part),
          clean(options.owner),
          options.leaseMs ?? null,
          part.some(({ recipient }) => isToMany(recipient)),
        ];
        const isKeyed = part.some(({ keys }) => keys);
        const sql = isKeyed ? this.sql.appendKeyed : this.sql.append;
        if (isKeyed) parameters.push(...keyParameters(part));
        rows.push(...(await this.database.ownQuery<EntryRow>(sql, parameters, transaction)));
      }
      return rows;
    };
    const opened =
      options.transaction || parts.length === 1
        ? await insert(options.transaction)
        : await this.database.ownTransaction(insert);
    const entries = new Map(opened.map((row) => [row.messageId, leaseOf(row)]));
    const ids = messages.map(({ messageId }) => clean(messageId));
    const repeated = [...new Set(ids)].filter((id) => !entries.has(id));
    if (repeated.length > 0) {
      const parameters = [repeated, clean(options.owner)];
      for (const row of await this.database.ownQuery<EntryRow>(this.sql.ownEntries, parameters, options.transaction)) {
        entries.set(row.messageId, leaseOf(row));
      }
    }
    return ids.map((id) => entries.get(id) ?? NO_ENTRY);
  }

  /**
   * Open outbox entries, but for what is scheduled (delayed sends, retries) and not due yet, and for those of targets that
   * refuse; counted no further than `atMost`.
   */
  async size(atMost: number): Promise<number> {
    const [row] = await this.database.ownQuery<{ size: number }>(this.sql.outboxSize, [atMost]);
    return row?.size ?? 0;
  }

  /** In how many ms the first entry is due, whosever it is; 0 or less when one is, undefined when there is none. */
  async nextDue(): Promise<number | undefined> {
    const [row] = await this.database.ownQuery<{ ms: number | null }>(this.sql.nextDue, []);
    return row?.ms ?? undefined;
  }

  /**
   * What an earlier process of the same owner left is free at once: its outbox entries are due, and the leases of its
   * claims end. Called before the owner's first send.
   */
  async takeOver(owner: string): Promise<void> {
    await this.database.ownQuery(this.sql.takeOver, [clean(owner)]);
  }

  /** Closes entries whose message the broker has confirmed. An entry that another has leased since stays. */
  async settle(leases: readonly OutboxLease[]): Promise<void> {
    if (leases.length > 0) await this.database.ownQuery(this.sql.settle, leaseParameters(leases));
  }

  /** Gives entries back, to be published again in `delayMs`. `refused`: their target's inbox is full or missing. */
  async postpone(leases: readonly OutboxLease[], delayMs: number, error: string, refused = false): Promise<void> {
    if (leases.length === 0) return;
    await this.database.ownQuery(this.sql.postpone, [
      ...leaseParameters(leases),
      delayMs,
      clean(shortened(error, MOST_OF_AN_ERROR)),
      refused,
    ]);
  }

  /**
   * Closes entries of messages to many that not all could take: each consumer that has not claimed its message in `delayMs`
   * gets it then by an entry of its own, but no more than `limit` entries for one that refuses. What is beyond stays owed.
   */
  async split(leases: readonly OutboxLease[], delayMs: number, limit: number): Promise<void> {
    if (leases.length > 0) await this.database.ownQuery(this.sql.split, [...leaseParameters(leases), delayMs, limit]);
  }

  /** The targets that could not take what was published to them, those with the most entries first; 1,000 at most. */
  refusals(): Promise<Refusal[]> {
    return this.database.ownQuery<Refusal>(this.sql.refusals, [MOST_REFUSALS]);
  }

  /** The senders of messages that have waited in the outbox for `olderThanMs` since they might have gone out, by name. */
  stuckSenders(olderThanMs: number): Promise<StuckSender[]> {
    return this.database.ownQuery<StuckSender>(this.sql.stuckSenders, [olderThanMs]);
  }

  /** What has waited in the outbox for `olderThanMs` since it might have gone out, though no inbox refuses it; undefined when nothing has. */
  async stuck(olderThanMs: number): Promise<StuckEntries | undefined> {
    const [found] = await this.database.ownQuery<StuckEntries>(this.sql.stuckEntries, [olderThanMs]);
    return found;
  }

  /**
   * Leases due entries, oldest first, skipping those that others hold; expired messages are closed instead, as
   * `expired`. At most `limit`, and fewer when their bodies are large: only an empty answer means that none is due.
   * The messages' `attempt` is the entry's lease, which is above 1 for every copy. Entries whose target (see
   * {@link targetOf}) is in `skip` are left: their inboxes are full.
   */
  async leaseDue(owner: string, limit: number, leaseMs: number, skip: readonly string[] = []): Promise<OutboxEntry[]> {
    const parameters = [clean(owner), limit, leaseMs, this.database.statementBytes, EXPIRED, skip.map(clean)];
    for (;;) {
      const rows = await this.database.ownQuery<DueRow>(this.sql.leaseDue, parameters);
      const entries = rows.flatMap((row) => (row.closed ? [] : [toEntry(row)]));
      // A batch of closed entries alone must not look like an empty outbox.
      if (entries.length > 0 || rows.length === 0) return entries;
    }
  }
}

const leaseOf = ({ id, lease }: EntryRow): OutboxLease => (lease === 0 ? NO_ENTRY : { id, lease });

const toEntry = (row: Exclude<DueRow, { closed: true }>): OutboxEntry => ({
  id: row.id,
  lease: row.lease,
  message: toMessage(row, row.lease),
  ...(row.consumer === null ? {} : { consumer: row.consumer }),
});

const leaseParameters = (leases: readonly OutboxLease[]): unknown[] => [
  bigints(leases.map(({ id }) => id)),
  integers(leases.map(({ lease }) => lease)),
];
