/** One stored message with one of its deliveries, or with none. */
export interface LedgerRow {
  readonly messageId: string;
  readonly n: number;
  readonly transactional: boolean;
  readonly consumer: string | null;
  readonly state: string | null;
}

/** All that is known after a fault. */
export interface Evidence {
  readonly offered: ReadonlySet<number>;
  readonly accepted: ReadonlySet<number>;
  readonly rows: readonly LedgerRow[];
  /** How often each number's effect is there, written in a transaction or not. */
  readonly transactionalEffects: ReadonlyMap<number, number>;
  readonly plainEffects: ReadonlyMap<number, number>;
  /** How often something recorded the completion of a message, by message id. */
  readonly completions: ReadonlyMap<string, number>;
  /** Where numbers may be delivered. */
  readonly consumer: string;
}

/** What became of the numbers; the lists name the first few. */
export interface Account {
  /** Numbers whose send was resolved. */
  readonly accepted: number;
  /** Stored in the end, those included that were in doubt when their sender died. */
  readonly stored: number;
  readonly completed: number;
  readonly dead: number;
  readonly expired: number;
  /** Accepted or stored, and neither completed with its effect nor dead nor expired. */
  readonly lost: readonly number[];
  /** Stored or with an effect, though nobody sent it; stored twice; delivered to somebody else. */
  readonly unexpected: readonly number[];
  readonly completedTwice: readonly number[];
  /** Effects in a transaction that are not there exactly as often as the number was completed: once or not at all. */
  readonly inexact: readonly number[];
  /** Effects outside of transactions beyond the first of each number. */
  readonly duplicates: number;
}

const SETTLED: ReadonlySet<string> = new Set(['completed', 'dead', 'expired']);

/** Accounts for every number. */
export function account(evidence: Evidence): Account {
  const { offered, accepted, transactionalEffects, plainEffects, completions, consumer } = evidence;
  const counts = { completed: 0, dead: 0, expired: 0 };
  const lost = new Set<number>();
  const unexpected = new Set<number>();
  const completedTwice = new Set<number>();
  const inexact = new Set<number>();
  const stored = new Map<number, LedgerRow>();
  for (const row of evidence.rows) {
    const { n, state, transactional, messageId } = row;
    const isFirst = !stored.has(n);
    if (!isFirst || !offered.has(n) || (row.consumer !== null && row.consumer !== consumer)) unexpected.add(n);
    if (isFirst) stored.set(n, row);
    if (state === 'completed' || state === 'dead' || state === 'expired') counts[state]++;
    if (state === null || !SETTLED.has(state)) lost.add(n);
    const effects = (transactional ? transactionalEffects : plainEffects).get(n) ?? 0;
    if (state === 'completed' && effects === 0) lost.add(n);
    if (transactional && effects !== (state === 'completed' ? 1 : 0)) inexact.add(n);
    if ((completions.get(messageId) ?? 0) > 1) completedTwice.add(n);
  }
  for (const n of accepted) if (!stored.has(n)) lost.add(n);
  for (const n of [...transactionalEffects.keys(), ...plainEffects.keys()]) if (!stored.has(n)) unexpected.add(n);
  return {
    accepted: accepted.size,
    stored: stored.size,
    ...counts,
    lost: [...lost],
    unexpected: [...unexpected],
    completedTwice: [...completedTwice],
    inexact: [...inexact],
    duplicates: [...plainEffects.values()].reduce((sum, count) => sum + count - 1, 0),
  };
}

/** The promises that an account shows to be broken, one a line. */
export function violationsOf(
  found: Account,
  expected: { readonly dead?: number; readonly duplicates?: 0 } = {},
): string[] {
  const lists = {
    lost: found.lost,
    unexpected: found.unexpected,
    'completed twice': found.completedTwice,
    'effects in a transaction not exactly once': found.inexact,
  };
  const violations = Object.entries(lists)
    .filter(([, numbers]) => numbers.length > 0)
    .map(([what, numbers]) => `${numbers.length} ${what}: ${numbers.slice(0, 10).join(', ')}`);
  if (found.dead !== (expected.dead ?? 0)) violations.push(`${found.dead} dead, not ${expected.dead ?? 0}`);
  if (found.expired !== 0) violations.push(`${found.expired} expired, not 0`);
  if (expected.duplicates === 0 && found.duplicates > 0)
    violations.push(`${found.duplicates} effects outside of transactions repeated, not 0`);
  return violations;
}
