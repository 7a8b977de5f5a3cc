import { clean, cleanOptional, type Database, integers, texts, timestamps } from 'agentmq/database';
import type { Statements } from '../sql/index.js';
import type { HopRecord } from './hop.js';
import { checkLimit, checkMs } from '../checks.js';

interface HopRow extends Pick<
  HopRecord,
  'traceId' | 'messageId' | 'side' | 'agentId' | 'attempt' | 'beganAt' | 'endedAt' | 'outcome'
> {
  readonly consumer: string | null;
  readonly errorName: string | null;
  readonly errorCode: string | null;
  readonly kind: string | null;
  readonly type: string | null;
  readonly sender: string | null;
  readonly recipient: string | null;
  readonly causationId: string | null;
}

/** What happened to the messages of recorded traces. */
export class HopStore {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  /** Stores what happened to messages, as it is given. */
  async record(hops: readonly HopRecord[]): Promise<void> {
    if (hops.length > 0) await this.database.ownQuery(this.sql.recordHops, hopParameters(hops));
  }

  /** The hops of a trace, in the order in which they were recorded; at most `limit`. */
  async read(traceId: string, limit: number): Promise<HopRecord[]> {
    const rows = await this.database.ownQuery<HopRow>(this.sql.hops, [clean(traceId), checkLimit(limit)]);
    return rows.map(toHop);
  }

  /** The trace that hops of this message were recorded for. */
  async traceOf(messageId: string): Promise<string | undefined> {
    const [row] = await this.database.ownQuery<{ traceId: string }>(this.sql.hopTrace, [clean(messageId)]);
    return row?.traceId;
  }

  /** Deletes the oldest hops, those recorded longer ago than `ageMs`; at most `limit`. Resolves with how many. */
  async forget(ageMs: number, limit: number): Promise<number> {
    const [row] = await this.database.ownQuery<{ forgotten: number }>(this.sql.forgetHops, [
      checkMs('ageMs', ageMs),
      checkLimit(limit),
    ]);
    return row?.forgotten ?? 0;
  }
}

/** One array a column, in the order of `sql/hops.ts`. */
const hopParameters = (hops: readonly HopRecord[]): Buffer[] => [
  texts(hops.map(({ traceId }) => clean(traceId))),
  texts(hops.map(({ messageId }) => clean(messageId))),
  texts(hops.map(({ side }) => side)),
  texts(hops.map(({ agentId }) => clean(agentId))),
  texts(hops.map(({ consumer }) => cleanOptional(consumer))),
  integers(hops.map(({ attempt }) => attempt)),
  timestamps(hops.map(({ beganAt }) => beganAt)),
  timestamps(hops.map(({ endedAt }) => endedAt)),
  texts(hops.map(({ outcome }) => outcome)),
  texts(hops.map(({ error }) => cleanOptional(error?.name))),
  texts(hops.map(({ error }) => cleanOptional(error?.code))),
  texts(hops.map(({ about }) => about?.kind)),
  texts(hops.map(({ about }) => cleanOptional(about?.type))),
  texts(hops.map(({ about }) => cleanOptional(about?.sender))),
  texts(hops.map(({ about }) => cleanOptional(about?.recipient))),
  texts(hops.map(({ about }) => cleanOptional(about?.causationId))),
];

function toHop({
  consumer,
  errorName,
  errorCode,
  kind,
  type,
  sender,
  recipient,
  causationId,
  ...rest
}: HopRow): HopRecord {
  const isDescribed = kind !== null && type !== null && sender !== null && recipient !== null;
  return {
    ...rest,
    ...(consumer === null ? {} : { consumer }),
    ...(errorName === null || errorCode === null ? {} : { error: { name: errorName, code: errorCode } }),
    ...(isDescribed
      ? { about: { kind, type, sender, recipient, ...(causationId === null ? {} : { causationId }) } }
      : {}),
  };
}
