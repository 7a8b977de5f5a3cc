import { shortened } from 'agentmq/protocol';
import { clean, type Database, texts, type Transaction } from 'agentmq/database';
import { Bindings } from './bindings.js';
import type { DeliveryRef, SettledState } from '../deliveries/delivery.js';
import { refParameters } from '../deliveries/ref-parameters.js';
import { historyLock } from './history-lock.js';
import { type Place, writeCursor } from './replay-cursor.js';
import { planReplay, type ReplayPlan } from './replay-plan.js';
import type { ReplayBatch, ReplayOptions, ReplayPreview, ReplaySelection } from './replay-selection.js';
import { catchUp } from '../sql/catch-up.js';
import { discardSelected } from '../sql/discard.js';
import { move } from '../sql/move.js';
import { replay } from '../sql/replay.js';
import type { Statements } from '../sql/index.js';

interface BatchRow extends Partial<ReplayPreview> {
  readonly matched: number;
  readonly replayed: number;
  readonly last: Place | null;
}

export interface DiscardOptions {
  /** What has ended in one of these; dead letters unless given. */
  readonly states?: readonly Exclude<SettledState, 'completed'>[];
  readonly transaction?: Transaction;
}

/** In characters. */
const MOST_OF_A_REASON = 1_000;

/** Puts on its way again what is open, dead, or a new consumer's to catch up with, and discards dead letters. */
export class ReplayStore {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  /**
   * Puts deliveries on their way again, oldest first: each gets an outbox entry unless it has one. Dead and expired ones
   * begin anew, with all their attempts and their whole time to live. Rejects with `InvalidSelectionError` and, for a topic
   * that is no pattern, `InvalidMessageError`.
   */
  async replay(selection: ReplaySelection, options: ReplayOptions = {}): Promise<ReplayBatch> {
    const plan = planReplay(selection, options);
    const { schema } = this.database;
    const bindings = new Bindings();
    const { to } = plan;
    const goTo = plan.move ? move : catchUp;
    const statement = to === undefined ? replay(schema, plan, bindings) : goTo(schema, plan, to, bindings);
    return this.batch(plan, statement, bindings, options);
  }

  /**
   * Discards the dead letters that the selection holds, oldest first. `replayed` of the batch counts what was discarded. Rejects as
   * {@link replay} does.
   */
  async discardSelected(
    selection: Omit<ReplaySelection, 'states'>,
    reason: string,
    options: Omit<ReplayOptions, 'to' | 'move' | 'undiscarded'> = {},
  ): Promise<ReplayBatch> {
    const plan = planReplay({ ...selection, states: ['dead'] }, { ...options, undiscarded: true });
    const bindings = new Bindings();
    const short = shortened(reason, MOST_OF_A_REASON);
    return this.batch(plan, discardSelected(this.database.schema, plan, short, bindings), bindings, options);
  }

  /**
   * Discards dead letters, or what is in one of the states given. Answers for each whether it was discarded by this call: not where it
   * is in another state, or was discarded before.
   */
  async discard(
    deliveries: readonly DeliveryRef[],
    reason: string,
    { states = ['dead'], transaction }: DiscardOptions = {},
  ): Promise<boolean[]> {
    if (deliveries.length === 0) return [];
    const parameters = [...refParameters(deliveries), clean(shortened(reason, MOST_OF_A_REASON)), texts(states)];
    const rows = await this.database.ownQuery<{ discarded: boolean }>(this.sql.discard, parameters, transaction);
    return rows.map(({ discarded }) => discarded);
  }

  private async batch(
    plan: ReplayPlan,
    statement: string,
    { values }: Bindings,
    { also, transaction: given }: Pick<ReplayOptions, 'also' | 'transaction'>,
  ): Promise<ReplayBatch> {
    const work = async (transaction: Transaction): Promise<BatchRow | undefined> => {
      await historyLock(transaction, this.database.schema, 'shared');
      const [batch] = await transaction.query<BatchRow>(statement, values);
      if (also && batch && batch.replayed > 0 && !plan.dryRun) await also(transaction, batch.replayed);
      return batch;
    };
    const row = await (given ? work(given) : this.database.ownTransaction(work));
    const { matched = 0, replayed = 0, last = null, counts, sample } = row ?? {};
    return {
      matched,
      replayed,
      ...(counts && sample ? { preview: { counts, sample } } : {}),
      ...(last && matched === plan.limit ? { next: writeCursor(last) } : {}),
    };
  }
}
