import { Injectable } from '@nestjs/common';
import { Database, prepared, type PreparedStatement, type Transaction } from 'agentmq/database';
import { inTransactionOf } from 'agentmq/messaging';
import { DeposedError } from './errors.js';
import { type ElectionRecord, type GroupRecord, HIGHEST_TERM } from './protocol.js';

/** Who a leadership belongs to: an agent, and which of its instances. */
export interface Claimant {
  readonly id: string;
  readonly instance: string;
}

/** The outcome of a vote or claim, and the latest term on record when the statement began. */
export interface Written {
  readonly ok: boolean;
  readonly latest: number;
}

/**
 * A statement of the leader's. What it writes, it is to write only if the query that `led` makes finds a row, once the statement has
 * its table `after` whole. What it wrote in the last moments before the database's server died may be lost.
 */
export interface FencedStatement {
  /** Its own among those of its database. */
  readonly name: string;
  sql(led: (after: string) => string): string;
}

/**
 * A leader that stands still between the fence and its COMMIT holds the row that the next leader is to claim. Postgres then
 * ends its session, in ms.
 */
const COMMIT_WITHIN_MS = '5000';

/** Votes and leaderships of all groups. Everything rejects as `Database.ownQuery` does. */
@Injectable()
export class ElectionStore {
  private readonly votes: string;
  private readonly leaderships: string;
  private readonly statements = new Map<string, PreparedStatement>();

  constructor(private readonly database: Database) {
    this.votes = `"${database.schema}".election_votes`;
    this.leaderships = `"${database.schema}".leaderships`;
  }

  /** What a member has to know when it starts. */
  async load(group: string, member: string): Promise<ElectionRecord> {
    const [record, votes] = await Promise.all([
      this.read(group),
      this.database.ownQuery<{ term: string; votedFor: string }>(
        `SELECT term, voted_for AS "votedFor" FROM ${this.votes}
         WHERE group_name = $1 AND agent_id = $2 AND term <= ${HIGHEST_TERM}`,
        [group, member],
      ),
    ]);
    const voted = Number(votes[0]?.term ?? 0);
    const votedFor = voted >= record.latest ? votes[0]?.votedFor : undefined;
    return { term: Math.max(record.latest, voted), votedFor, group: record };
  }

  /** What is on record of a group. */
  async read(group: string): Promise<GroupRecord> {
    const [row] = await this.database.ownQuery<{ latest: string | null; leader: string | null; voted: string | null }>(
      `SELECT l.term AS latest, l.leader,
         (SELECT max(term) FROM ${this.votes} WHERE group_name = $1 AND term <= ${HIGHEST_TERM}) AS voted
       FROM (SELECT) one LEFT JOIN ${this.leaderships} l ON l.group_name = $1 AND l.term <= ${HIGHEST_TERM}`,
      [group],
    );
    const latest = Number(row?.latest ?? 0);
    return { latest, leader: row?.leader ?? undefined, highest: Math.max(latest, Number(row?.voted ?? 0)) };
  }

  /**
   * Makes a member's vote durable; refused when it has voted in a later term, or otherwise in this one, and when it is for
   * another that does not stand: a candidate's vote for itself is on record before it asks for others.
   */
  async vote(group: string, member: string, term: number, votedFor: string): Promise<Written> {
    return this.written(
      `WITH written AS (
         INSERT INTO ${this.votes} AS v (group_name, agent_id, term, voted_for)
         SELECT $1::text, $2::text, $3::bigint, $4::text
         WHERE $2 = $4 OR EXISTS (
           SELECT FROM ${this.votes} WHERE group_name = $1 AND agent_id = $4 AND term = $3 AND voted_for = $4
         )
         ON CONFLICT (group_name, agent_id) DO UPDATE
         SET term = excluded.term, voted_for = excluded.voted_for, voted_at = excluded.voted_at
         WHERE v.term < excluded.term OR (v.term = excluded.term AND v.voted_for = excluded.voted_for)
           OR v.term > ${HIGHEST_TERM}
         RETURNING term
       )
       SELECT EXISTS (SELECT FROM written) AS ok,
         (SELECT term FROM ${this.votes} WHERE group_name = $1 AND agent_id = $2 AND term <= ${HIGHEST_TERM}) AS latest`,
      [group, member, term, votedFor],
    );
  }

  /**
   * Puts a leadership on record, from a lower term only: there is one for each term. A claim whose answer was lost may be
   * repeated. Votes of terms before it decide nothing any more and go, so that ids which never come back leave none. Waits
   * for fenced transactions that have only their commit left.
   */
  async claim(group: string, { id, instance }: Claimant, term: number): Promise<Written> {
    return this.written(
      `WITH claimed AS (
         INSERT INTO ${this.leaderships} AS l (group_name, term, leader, instance) VALUES ($1, $2, $3, $4)
         ON CONFLICT (group_name) DO UPDATE
         SET term = excluded.term, leader = excluded.leader, instance = excluded.instance, elected_at = excluded.elected_at
         WHERE l.term < excluded.term OR (l.term = excluded.term AND l.instance = excluded.instance)
           OR l.term > ${HIGHEST_TERM}
         RETURNING term
       ), decided AS (
         DELETE FROM ${this.votes} v USING claimed
         WHERE v.group_name = $1 AND (v.term < claimed.term OR v.term > ${HIGHEST_TERM})
       )
       SELECT EXISTS (SELECT FROM claimed) AS ok,
         (SELECT term FROM ${this.leaderships} WHERE group_name = $1 AND term <= ${HIGHEST_TERM}) AS latest`,
      [group, term, id, instance],
    );
  }

  /** Resolves when the database has answered. */
  async ping(): Promise<void> {
    await this.database.ping();
  }

  /**
   * Runs `work` in a transaction that is committed only if the leadership is still on record then: the next leader's
   * claim waits for the commit, so no write of this one comes after it. Rejects with {@link DeposedError} otherwise, and
   * as `Database.transaction` does.
   */
  fence<T>(group: string, instance: string, term: number, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const check = async (transaction: Transaction, lock: '' | 'FOR SHARE'): Promise<void> => {
      const [row] = await transaction.query<{ term: string; instance: string }>(
        `SELECT term, instance FROM ${this.leaderships} WHERE group_name = $1 ${lock}`,
        [group],
      );
      if (Number(row?.term) !== term || row?.instance !== instance)
        throw new DeposedError(group, term, Number(row?.term ?? 0));
    };
    return this.database.transaction(async (transaction) => {
      // What is refused anyway need not be tried.
      await check(transaction, '');
      const result = await inTransactionOf(transaction, () => work(transaction));
      await transaction.query(`SELECT set_config('idle_in_transaction_session_timeout', $1, true)`, [COMMIT_WITHIN_MS]);
      await check(transaction, 'FOR SHARE');
      return result;
    });
  }

  /**
   * Runs one statement by itself, with the same promise as {@link fence}: what the statement waits for, the next leader's claim does
   * not wait for.
   */
  fenced<Row extends object>(
    group: string,
    instance: string,
    term: number,
    { name, sql }: FencedStatement,
    parameters: readonly unknown[],
  ): Promise<Row[]> {
    let statement = this.statements.get(name);
    if (!statement) {
      const at = parameters.length;
      const led = (after: string): string =>
        `SELECT FROM ${this.leaderships} WHERE group_name = $${at + 1} AND term = $${at + 2} AND instance = $${at + 3}
           AND (SELECT count(*) FROM ${after}) >= 0 FOR SHARE`;
      this.statements.set(name, (statement = prepared(`fenced.${name}`, sql(led), { lossy: true })));
    }
    return this.database.ownQuery<Row>(statement, [...parameters, group, term, instance]);
  }

  private async written(sql: string, parameters: readonly unknown[]): Promise<Written> {
    const [row] = await this.database.ownQuery<{ ok: boolean; latest: string | null }>(sql, parameters);
    return { ok: row?.ok ?? false, latest: Number(row?.latest ?? 0) };
  }
}
