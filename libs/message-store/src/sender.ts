import { isToMany, type Message, shortened } from 'agentmq/protocol';
import { byBytes, distinct } from './batches.js';
import type { Database } from 'agentmq/database';
import { expired } from './delivery-error.js';
import type { Transaction } from 'agentmq/database';
import type { AppendOptions, OutboxEntry, OutboxLease, Refusal, StuckSender } from './message-store.js';
import { type MessageRow, messageParameters, toMessage } from './message-row.js';
import type { Statements } from './sql/index.js';
import { clean } from 'agentmq/database';

interface EntryRow extends OutboxLease {
  readonly messageId: string;
}

interface RecordedRow {
  readonly messageId: string;
  readonly same: boolean | null;
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

/** The sending side: messages and their outbox. */
export class Sender {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

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
        rows.push(...(await this.database.query<EntryRow>(this.sql.append, parameters, transaction)));
      }
      return rows;
    };
    const opened =
      options.transaction || parts.length === 1
        ? await insert(options.transaction)
        : await this.database.transaction(insert);
    const entries = new Map(opened.map((row) => [row.messageId, leaseOf(row)]));
    const ids = messages.map(({ messageId }) => clean(messageId));
    const repeated = [...new Set(ids)].filter((id) => !entries.has(id));
    if (repeated.length > 0) {
      const parameters = [repeated, clean(options.owner)];
      for (const row of await this.database.query<EntryRow>(this.sql.ownEntries, parameters, options.transaction)) {
        entries.set(row.messageId, leaseOf(row));
      }
    }
    return ids.map((id) => entries.get(id) ?? NO_ENTRY);
  }

  async outboxSize(atMost: number): Promise<number> {
    const [row] = await this.database.query<{ size: number }>(this.sql.outboxSize, [atMost]);
    return row?.size ?? 0;
  }

  async takeOver(owner: string): Promise<void> {
    await this.database.query(this.sql.takeOver, [clean(owner)]);
  }

  async settle(leases: readonly OutboxLease[]): Promise<void> {
    if (leases.length > 0) await this.database.query(this.sql.settle, leaseParameters(leases));
  }

  async postpone(leases: readonly OutboxLease[], delayMs: number, error: string, refused: boolean): Promise<void> {
    if (leases.length === 0) return;
    await this.database.query(this.sql.postpone, [
      ...leaseParameters(leases),
      delayMs,
      clean(shortened(error, MOST_OF_AN_ERROR)),
      refused,
    ]);
  }

  async split(leases: readonly OutboxLease[], delayMs: number, limit: number): Promise<void> {
    if (leases.length > 0) await this.database.query(this.sql.split, [...leaseParameters(leases), delayMs, limit]);
  }

  refusals(): Promise<Refusal[]> {
    return this.database.query<Refusal>(this.sql.refusals, [MOST_REFUSALS]);
  }

  stuckSenders(olderThanMs: number): Promise<StuckSender[]> {
    return this.database.query<StuckSender>(this.sql.stuckSenders, [olderThanMs]);
  }

  async leaseDue(owner: string, limit: number, leaseMs: number, skip: readonly string[] = []): Promise<OutboxEntry[]> {
    const parameters = [clean(owner), limit, leaseMs, this.database.statementBytes, EXPIRED, skip.map(clean)];
    for (;;) {
      const rows = await this.database.query<DueRow>(this.sql.leaseDue, parameters);
      const entries = rows.flatMap((row) => (row.closed ? [] : [toEntry(row)]));
      // A batch of closed entries alone must not look like an empty outbox.
      if (entries.length > 0 || rows.length === 0) return entries;
    }
  }

  async record(messages: readonly Message[]): Promise<boolean[]> {
    const same = new Map<Message, boolean>();
    // Of several with one id, one is asked about at a time: which of them is stored decides about the next.
    for (let left = messages; left.length > 0; left = left.filter((message) => !same.has(message))) {
      const asked = distinct(left);
      const byId = new Map(asked.map((message) => [clean(message.messageId), message]));
      for (const part of byBytes(asked, ({ body }) => body.length, this.database.statementBytes)) {
        for (const row of await this.database.query<RecordedRow>(this.sql.record, messageParameters(part))) {
          const message = byId.get(row.messageId);
          if (message && row.same !== null) same.set(message, row.same);
        }
      }
    }
    return messages.map((message) => same.get(message) ?? false);
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
  leases.map(({ id }) => id),
  leases.map(({ lease }) => lease),
];
