import { clean, type Database, InvalidSelectionError, type Transaction } from 'agentmq/database';
import type { AlsoInTransaction } from 'agentmq/message-store';
import { shortened } from 'agentmq/protocol';
import type { Actor, AuditRow } from '../views/changes.js';
import { cursorOf, readCursor } from '../views/cursor.js';
import { DEFAULT_LIMIT, type Page, pageUpTo, type PageQuery } from '../views/page.js';

/** What was changed, for the record. */
export type AuditEntry = Pick<AuditRow, 'action' | 'target' | 'reason' | 'rows'>;

export interface AuditQuery extends PageQuery {
  readonly by?: string;
  readonly action?: string;
  readonly target?: string;
}

/** In characters. */
const LONGEST_NAME = 200;
const LONGEST_TEXT = 1_000;

/** The record of what operators have changed. It is never deleted: a row a command. */
export class Audit {
  private readonly table: string;

  constructor(private readonly database: Database) {
    this.table = `"${database.schema}".audit`;
  }

  /** Writes a row, in the transaction of the change if one is given. Resolves with its id. */
  async record(actor: Actor, { action, target, reason, rows }: AuditEntry, transaction?: Transaction): Promise<string> {
    const [row] = await this.database.ownQuery<{ id: string }>(
      `INSERT INTO ${this.table} (changed_by, via, action, target, reason, rows) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id::text`,
      [
        text(actor.name, LONGEST_NAME),
        actor.via,
        action,
        text(target, LONGEST_TEXT),
        reason === undefined ? null : text(reason, LONGEST_TEXT),
        rows,
      ],
      transaction,
    );
    if (!row) throw new Error('an insert has returned no row');
    return row.id;
  }

  /** For a change of several transactions: one row, which tells after each of them how much is changed by then. */
  inBatches(actor: Actor, entry: Omit<AuditEntry, 'rows'>): AlsoInTransaction {
    let id: string | undefined;
    return async (transaction, rows) => {
      if (id !== undefined) {
        const sql = `UPDATE ${this.table} SET rows = rows + $2 WHERE id = $1`;
        await this.database.ownQuery(sql, [id, rows], transaction);
        return;
      }
      const written = await this.record(actor, { ...entry, rows }, transaction);
      transaction.onCommit(() => (id = written));
    };
  }

  /** The newest first. Rejects with `InvalidSelectionError` for an `after` that no page gave. */
  async list({ by, action, target, limit = DEFAULT_LIMIT, after }: AuditQuery = {}): Promise<Page<AuditRow>> {
    const [before = null] = after === undefined ? [] : readCursor(after, 1);
    if (before !== null && !/^\d{1,18}$/.test(before))
      throw new InvalidSelectionError('after', 'is not the next of a page');
    const rows = await this.database.ownQuery<StoredRow>(
      `SELECT id::text, at, changed_by AS by, via, action, target, reason, rows FROM ${this.table}
       WHERE ($1::text IS NULL OR id < $1::bigint) AND ($2::text IS NULL OR changed_by = $2)
         AND ($3::text IS NULL OR action = $3) AND ($4::text IS NULL OR (left(target, 200) = left($4, 200) AND target = $4))
       ORDER BY ${this.table}.id DESC LIMIT $5`,
      [before, ...[by, action, target].map((given) => (given === undefined ? null : clean(given))), limit],
    );
    return pageUpTo(limit, rows.map(rowOf), ({ id }) => cursorOf(id));
  }
}

interface StoredRow extends Omit<AuditRow, 'reason'> {
  readonly reason: string | null;
}

const rowOf = ({ reason, ...row }: StoredRow): AuditRow => ({ ...row, ...(reason === null ? {} : { reason }) });

const text = (given: string, most: number): string => clean(shortened(given, most));
