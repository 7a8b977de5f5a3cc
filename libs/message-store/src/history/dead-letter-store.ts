import { type Database, InvalidSelectionError } from 'agentmq/database';
import { fromJson } from '../deliveries/delivery-error.js';
import { deadLetterGroups, deadLetterPage } from '../sql/dead-letters.js';
import { Bindings } from './bindings.js';
import { isExactTime } from './exact-time.js';
import type { DeadLetterFilter, DeadLetterPlace, StoredDeadLetter, StoredDeadLetterGroup } from './dead-letter.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** What was given up: listed, and in groups of deliveries that failed alike. */
export class DeadLetterStore {
  constructor(private readonly database: Database) {}

  /** The newest first, at most `limit` (100 unless given, 1,000 at most), after the one that is named. */
  async list(
    filter: DeadLetterFilter,
    { limit = DEFAULT_LIMIT, after }: { readonly limit?: number; readonly after?: DeadLetterPlace | undefined } = {},
  ): Promise<StoredDeadLetter[]> {
    for (const date of [filter.from, filter.before])
      if (date && Number.isNaN(date.getTime())) throw new InvalidSelectionError('from', 'or before is not a date');
    if (after && !isExactTime(after.storedAt))
      throw new InvalidSelectionError('after', 'is not the place of a dead letter');
    const bindings = new Bindings();
    const page = { limit: Math.min(Math.max(limit, 0), MAX_LIMIT), after };
    const statement = deadLetterPage(this.database.schema, filter, page, bindings);
    return (await this.database.ownQuery<LetterRow>(statement, bindings.values)).map(toLetter);
  }

  /** At most 1,000 errors of consumers, by contract, the one that occurred last first. Not all letters of a large group are counted. */
  async groups(filter: Pick<DeadLetterFilter, 'consumer' | 'type' | 'version'> = {}): Promise<StoredDeadLetterGroup[]> {
    const bindings = new Bindings();
    const statement = deadLetterGroups(this.database.schema, filter, bindings);
    const rows = await this.database.ownQuery<GroupRow>(statement, bindings.values);
    return rows.map(({ error, ...row }) => ({ ...row, error: fromJson(error) }));
  }
}

interface GroupRow extends Omit<StoredDeadLetterGroup, 'error'> {
  readonly error: unknown;
}

interface LetterRow extends Omit<StoredDeadLetter, 'error' | 'firstFailedAt' | 'lastFailedAt' | 'discarded'> {
  readonly error: unknown;
  readonly first: { readonly at: string } | null;
  readonly last: { readonly at: string } | null;
  readonly finishedAt: Date | null;
  readonly stored_at: Date;
  readonly discarded: { readonly at: string; readonly reason: string } | null;
}

/** What never reached a handler has no history: it failed when it was rejected. */
const toLetter = ({
  error,
  first,
  last,
  finishedAt,
  discarded,
  stored_at: _,
  ...row
}: LetterRow): StoredDeadLetter => ({
  ...row,
  error: fromJson(error),
  firstFailedAt: first ? new Date(first.at) : finishedAt,
  lastFailedAt: last ? new Date(last.at) : finishedAt,
  discarded: discarded && { at: new Date(discarded.at), reason: discarded.reason },
});
