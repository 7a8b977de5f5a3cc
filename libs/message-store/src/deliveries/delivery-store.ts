import type { Message } from 'agentmq/protocol';
import {
  booleans,
  clean,
  type Database,
  integers,
  type PreparedStatement,
  texts,
  type Transaction,
} from 'agentmq/database';
import { keyParameters } from '../messages/key-parameters.js';
import { byBytes, distinct } from '../messages/batches.js';
import { messageParameters } from '../messages/message-row.js';
import type { Statements } from '../sql/index.js';
import type { Claim, ClaimResult, Failure, Rejection } from './claim.js';
import { CUT_OFF, expired, POISON, toJson } from './delivery-error.js';
import type { ClaimRef, DeliveryRef, DeliveryState, SettledState } from './delivery.js';
import { refParameters } from './ref-parameters.js';

interface ClaimRow {
  readonly known: boolean;
  readonly before: DeliveryState | 'waiting' | null;
  readonly after: 'processing' | 'pending' | 'retrying' | 'dead' | 'expired' | null;
  readonly attempt: number | null;
  readonly failures: number | null;
  /** Not claimed, though it could have been. */
  readonly free: boolean | null;
  /** What is left of the time to live; null when it never ends. */
  readonly left_ms: number | null;
}

interface RecordedRow {
  readonly messageId: string;
  readonly same: boolean | null;
}

interface HeldRow {
  readonly held: boolean;
}

const EXPIRED = expired('before it was handled');

/**
 * A handler that has completed in its transaction has only the commit left. A process that stands still between the two would
 * hold the rows, and all claimants whose claims are in one batch with them; Postgres then ends its session, in ms.
 */
const COMMIT_WITHIN_MS = '5000';

/** The receiving side: deliveries and their claims. */
export class DeliveryStore {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  /**
   * Stores messages that came from outside, with no outbox entry; one already stored is left as it is. Answers of each
   * whether what is stored under its id has its type, version and body: else it is another message.
   */
  async record(messages: readonly Message[]): Promise<boolean[]> {
    const same = new Map<Message, boolean>();
    // Of several with one id, one is asked about at a time: which of them is stored decides about the next.
    for (let left = messages; left.length > 0; left = left.filter((message) => !same.has(message))) {
      const asked = distinct(left);
      const byId = new Map(asked.map((message) => [clean(message.messageId), message]));
      for (const part of byBytes(asked, ({ body }) => body.length, this.database.statementBytes)) {
        const isKeyed = part.some(({ keys }) => keys);
        const sql = isKeyed ? this.sql.recordKeyed : this.sql.record;
        const parameters = [...messageParameters(part), ...(isKeyed ? keyParameters(part) : [])];
        for (const row of await this.database.ownQuery<RecordedRow>(sql, parameters)) {
          const message = byId.get(row.messageId);
          if (message && row.same !== null) same.set(message, row.same);
        }
      }
    }
    return messages.map((message) => same.get(message) ?? false);
  }

  /**
   * Claims deliveries for `owner`, each for `leaseMs`; expiry is decided here, by the database's clock. Of one asked for
   * twice in a batch, the ask with `alone`, else the redelivered one, is answered; the other is `busy`.
   */
  async claim(claims: readonly Claim[], owner: string, leaseMs: number): Promise<ClaimResult[]> {
    if (claims.length === 0) return [];
    const keys = claims.map(keyOf);
    const chosen = new Map<string, number>();
    for (const [index, claim] of claims.entries()) {
      const key = keys[index] as string;
      const at = chosen.get(key);
      if (at === undefined || standing(claim) > standing(claims[at] as Claim)) chosen.set(key, index);
    }
    const asked = [...chosen.values()].map((index) => claims[index] as Claim);
    const rows = await this.database.ownQuery<ClaimRow>(this.sql.claim, [
      ...refParameters(asked),
      booleans(asked.map(({ redelivered }) => redelivered)),
      integers(asked.map(({ attempts }) => attempts)),
      booleans(asked.map(({ alone }) => alone)),
      texts(asked.map(({ copy }) => clean(copy))),
      clean(owner),
      EXPIRED,
      CUT_OFF,
      POISON,
      leaseMs,
    ]);
    const results = new Map([...chosen.keys()].map((key, index) => [key, resultOf(rows[index])]));
    return keys.map((key, index) => {
      const result = results.get(key) ?? { outcome: 'busy' };
      return chosen.get(key) === index ? result : besides(result);
    });
  }

  /** Prolongs claims that are still held; answers which were. */
  renew(claims: readonly ClaimRef[], leaseMs: number): Promise<boolean[]> {
    return this.fenced(this.sql.renew, claims, [leaseMs]);
  }

  /**
   * Records completion, where the claim is still the claimant's: false means fenced off. In a transaction it comes last:
   * one that then idles for 5 s is ended, and its connection with it.
   */
  async complete(claims: readonly ClaimRef[], transaction?: Transaction): Promise<boolean[]> {
    await transaction?.query(`SELECT set_config('idle_in_transaction_session_timeout', $1, true)`, [COMMIT_WITHIN_MS]);
    return this.fenced(this.sql.complete, claims, [], transaction);
  }

  /** Records failures, fenced likewise; a retry gets its outbox entry in the same statement. */
  fail(failures: readonly Failure[]): Promise<boolean[]> {
    return this.fenced(this.sql.fail, failures, [
      failures.map(({ state }) => state),
      failures.map(({ error }) => toJson(error)),
      failures.map((failure) => (failure.state === 'retrying' ? failure.retryInMs : null)),
    ]);
  }

  /** Gives claims back unhandled, so that the next delivery is claimed at once. */
  async release(claims: readonly ClaimRef[]): Promise<void> {
    if (claims.length > 0) await this.database.ownQuery(this.sql.release, claimParameters(claims));
  }

  /** Records messages that never reached a handler, and why. A delivery that is claimed or settled is left as it is. */
  async reject(rejections: readonly Rejection[]): Promise<void> {
    const limit = this.database.statementBytes;
    for (const part of byBytes(rejections, ({ message }) => message.body.length, limit)) {
      await this.database.ownQuery(this.sql.reject, [
        ...messageParameters(distinct(part.map(({ message }) => message))),
        part.map(({ message }) => clean(message.messageId)),
        part.map(({ consumer }) => clean(consumer)),
        part.map(({ state }) => state),
        part.map(({ error }) => toJson(error)),
      ]);
    }
  }

  /**
   * What the broker took out of inboxes before it was settled: what the record has open is put on its way again, or settled
   * if its time is over. Answers of each what is on record: its delivery, its message alone, or neither.
   */
  async takeBack(deliveries: readonly DeliveryRef[]): Promise<('delivery' | 'message' | 'neither')[]> {
    const rows = await this.database.ownQuery<{ owed: boolean; stored: boolean }>(
      this.sql.takeBack,
      refParameters(deliveries),
    );
    return rows.map(({ owed, stored }) => (owed ? 'delivery' : stored ? 'message' : 'neither'));
  }

  private async fenced(
    sql: string | PreparedStatement,
    claims: readonly ClaimRef[],
    more: readonly unknown[],
    transaction?: Transaction,
  ): Promise<boolean[]> {
    if (claims.length === 0) return [];
    const rows = await this.database.ownQuery<HeldRow>(sql, [...claimParameters(claims), ...more], transaction);
    return rows.map(({ held }) => held);
  }
}

const keyOf = ({ messageId, consumer }: Claim): string => JSON.stringify([clean(messageId), clean(consumer)]);

/** Of several that ask for one delivery the highest has the say: one alone gets what is suspect. */
const standing = ({ alone, redelivered }: Claim): number => 2 * Number(alone) + Number(redelivered);

function resultOf(row: ClaimRow | undefined): ClaimResult {
  if (!row?.known) return { outcome: 'unknown' };
  const { before, after, attempt, failures } = row;
  if (isSettled(before)) return { outcome: 'settled', state: before, now: false };
  if (before === 'waiting') return { outcome: 'waiting' };
  if (isSettled(after)) return { outcome: 'settled', state: after, now: true };
  if (attempt === null || failures === null) return { outcome: 'busy' };
  return row.free ? { outcome: 'suspect' } : { outcome: 'claimed', attempt, failures, leftMs: row.left_ms ?? Infinity };
}

const isSettled = (state: ClaimRow['before']): state is SettledState =>
  state === 'completed' || state === 'dead' || state === 'expired';

/** What another copy of the same message is told, beside the one that had the say. */
function besides(result: ClaimResult): ClaimResult {
  if (result.outcome === 'claimed' || result.outcome === 'suspect') return { outcome: 'busy' };
  return result.outcome === 'settled' ? { ...result, now: false } : result;
}

const claimParameters = (claims: readonly ClaimRef[]): unknown[] => [
  ...refParameters(claims),
  integers(claims.map(({ attempt }) => attempt)),
];
