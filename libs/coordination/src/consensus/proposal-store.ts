import { Injectable } from '@nestjs/common';
import type { Choice, VotingResult, VotingRule, VotingTally } from './messages.js';
import type { Transaction } from 'agentmq/database';
import { Database } from 'agentmq/database';
import type {
  AbsenceReason,
  AbsentElector,
  Proposal,
  ProposalFilter,
  ProposalSummary,
  RecordedVote,
} from './proposal.js';
import type { Elector, Remark } from './tally.js';
import type { Draft } from './terms.js';

const DEFAULT_LIMIT = 100;

/** A vote as it was received. */
export interface ReceivedVote {
  readonly voter: string;
  readonly choice: Choice;
  readonly reason: string;
  readonly messageId: string;
  readonly castAt: Date;
}

/** What changes about a proposal. */
export interface ProposalChange {
  readonly tally: VotingTally;
  readonly absent: readonly AbsentElector[];
  /** Undefined while it is open. */
  readonly outcome: VotingResult | undefined;
}

/** Proposals and votes. Everything rejects as `Database.ownQuery` does. */
@Injectable()
export class ProposalStore {
  private readonly proposals: string;
  private readonly votes: string;

  constructor(private readonly database: Database) {
    this.proposals = `"${database.schema}".proposals`;
    this.votes = `"${database.schema}".votes`;
  }

  /** Resolves with when it closes, in whole ms: no clock that counts in these gets there too early. */
  async open(
    transaction: Transaction,
    id: string,
    proposer: { readonly id: string; readonly role: string },
    { subject, content, rule, quorum, electorate, timeout }: Draft,
    { tally, absent, outcome }: ProposalChange,
  ): Promise<Date> {
    const [row] = await transaction.query<{ closesAt: Date }>(
      `INSERT INTO ${this.proposals} (id, subject, content, rule, quorum, electors, weights, proposer, role,
         opened_at, closes_at, tally, absent, outcome, decided_at)
       SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9,
         now, date_trunc('milliseconds', now) + $10::float8 * interval '1 ms', $11, $12, $13,
         CASE WHEN $13::text IS NOT NULL THEN now END
       FROM clock_timestamp() AS now
       RETURNING closes_at AS "closesAt"`,
      [
        id,
        subject,
        content && JSON.stringify(content),
        rule,
        quorum ?? null,
        electorate.map((elector) => elector.id),
        electorate.map(({ weight }) => weight),
        proposer.id,
        proposer.role,
        timeout,
        JSON.stringify(tally),
        JSON.stringify(absent),
        outcome ?? null,
      ],
    );
    if (!row) throw new Error('an insert has returned no row');
    return row.closesAt;
  }

  /** The proposal, locked until the transaction ends, and whether its time is over. */
  async lock(
    transaction: Transaction,
    id: string,
  ): Promise<{ readonly proposal: ProposalSummary; readonly over: boolean } | undefined> {
    const [row] = await transaction.query<ProposalRow & { over: boolean }>(
      `SELECT ${COLUMNS}, clock_timestamp() >= closes_at AS over FROM ${this.proposals} WHERE id = $1 FOR UPDATE`,
      [id],
    );
    return row && { proposal: summaryOf(row), over: row.over };
  }

  async counted(transaction: Transaction, id: string): Promise<Map<string, Choice>> {
    const rows = await transaction.query<{ voter: string; choice: Choice }>(
      `SELECT voter, choice FROM ${this.votes} WHERE proposal_id = $1 AND remark IS NULL`,
      [id],
    );
    return new Map(rows.map(({ voter, choice }) => [voter, choice]));
  }

  /** Under the proposal's lock, which makes the places follow each other. */
  async add(
    transaction: Transaction,
    id: string,
    { voter, choice, reason, messageId, castAt }: ReceivedVote,
    remark: Remark | undefined,
  ): Promise<void> {
    await transaction.query(
      `INSERT INTO ${this.votes} (proposal_id, place, voter, choice, reason, remark, message_id, cast_at)
       SELECT $1, count(*) + 1, $2, $3, $4, $5, $6, $7 FROM ${this.votes} WHERE proposal_id = $1`,
      [id, voter, choice, reason, remark ?? null, messageId, castAt],
    );
  }

  async change(transaction: Transaction, id: string, { tally, absent, outcome }: ProposalChange): Promise<void> {
    await transaction.query(
      `UPDATE ${this.proposals}
       SET tally = $2, absent = $3, outcome = $4, decided_at = CASE WHEN $4::text IS NOT NULL THEN clock_timestamp() END
       WHERE id = $1 AND outcome IS NULL`,
      [id, JSON.stringify(tally), JSON.stringify(absent), outcome ?? null],
    );
  }

  async now(transaction: Transaction): Promise<Date> {
    const [row] = await transaction.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    return row?.now ?? new Date();
  }

  /** Open proposals of these roles that any of these is an elector of. */
  async openWith(roles: readonly string[], electors: readonly string[]): Promise<string[]> {
    const rows = await this.database.ownQuery<{ id: string }>(
      `SELECT id FROM ${this.proposals} WHERE outcome IS NULL AND role = ANY ($1::text[]) AND electors && $2::text[] ORDER BY id`,
      [roles, electors],
    );
    return rows.map(({ id }) => id);
  }

  async openElectors(roles: readonly string[]): Promise<string[]> {
    const rows = await this.database.ownQuery<{ elector: string }>(
      `SELECT DISTINCT unnest(electors) AS elector FROM ${this.proposals} WHERE outcome IS NULL AND role = ANY ($1::text[])`,
      [roles],
    );
    return rows.map(({ elector }) => elector);
  }

  async roleOf(id: string): Promise<string | undefined> {
    const [row] = await this.database.ownQuery<{ role: string }>(`SELECT role FROM ${this.proposals} WHERE id = $1`, [
      id,
    ]);
    return row?.role;
  }

  /** Whether its outcome is there. Undefined: there is no such proposal. */
  async isDecided(id: string): Promise<boolean | undefined> {
    const [row] = await this.database.ownQuery<{ decided: boolean }>(
      `SELECT outcome IS NOT NULL AS decided FROM ${this.proposals} WHERE id = $1`,
      [id],
    );
    return row?.decided;
  }

  /** With its votes, all as of one moment. */
  async find(id: string): Promise<Proposal | undefined> {
    const [row] = await this.database.ownQuery<ProposalRow & { votes: readonly VoteRow[] }>(
      `SELECT ${COLUMNS}, (
         SELECT coalesce(json_agg(json_build_object('voter', voter, 'choice', choice, 'reason', reason,
           'remark', remark, 'castAt', cast_at, 'receivedAt', received_at) ORDER BY place), '[]')
         FROM ${this.votes} WHERE proposal_id = p.id
       ) AS votes
       FROM ${this.proposals} p WHERE id = $1`,
      [id],
    );
    return row && { ...summaryOf(row), votes: row.votes.map(voteOf) };
  }

  async list({ state, limit = DEFAULT_LIMIT, after, newestFirst = false }: ProposalFilter): Promise<ProposalSummary[]> {
    const inState = state === 'open' ? 'outcome IS NULL' : 'outcome = $3';
    const rows = await this.database.ownQuery<ProposalRow>(
      `SELECT ${COLUMNS} FROM ${this.proposals} WHERE ($1::text IS NULL OR id ${newestFirst ? '<' : '>'} $1)
         ${state ? `AND ${inState}` : ''} ORDER BY id ${newestFirst ? 'DESC' : ''} LIMIT $2`,
      [after ?? null, limit, ...(state && state !== 'open' ? [state] : [])],
    );
    return rows.map(summaryOf);
  }
}

const COLUMNS = `id, subject, content, rule, quorum, electors, weights, proposer, role, opened_at AS "openedAt",
  closes_at AS "closesAt", decided_at AS "decidedAt", outcome, tally, absent`;

interface ProposalRow {
  readonly id: string;
  readonly subject: string;
  readonly content: object | null;
  readonly rule: VotingRule;
  readonly quorum: number | null;
  readonly electors: readonly string[];
  readonly weights: readonly number[];
  readonly proposer: string;
  readonly role: string;
  readonly openedAt: Date;
  readonly closesAt: Date;
  readonly decidedAt: Date | null;
  readonly outcome: VotingResult | null;
  readonly tally: VotingTally;
  readonly absent: readonly { readonly elector: string; readonly reason: AbsenceReason; readonly since: string }[];
}

interface VoteRow {
  readonly voter: string;
  readonly choice: Choice;
  readonly reason: string;
  readonly remark: Remark | null;
  readonly castAt: string;
  readonly receivedAt: string;
}

const summaryOf = (row: ProposalRow): ProposalSummary => ({
  id: row.id,
  state: row.outcome ?? 'open',
  subject: row.subject,
  content: row.content,
  rule: row.rule,
  quorum: row.quorum,
  electorate: row.electors.map((id, index): Elector => ({ id, weight: row.weights[index] ?? 0 })),
  proposer: row.proposer,
  role: row.role,
  openedAt: row.openedAt,
  closesAt: row.closesAt,
  decidedAt: row.decidedAt,
  tally: row.tally,
  absent: row.absent.map(({ since, ...rest }) => ({ ...rest, since: new Date(since) })),
});

const voteOf = ({ voter, choice, reason, remark, castAt, receivedAt }: VoteRow): RecordedVote => ({
  voter,
  choice,
  reason,
  counted: remark === null,
  remark,
  castAt: new Date(castAt),
  receivedAt: new Date(receivedAt),
});
