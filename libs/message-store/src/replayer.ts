import { Bindings } from './bindings.js';
import type { Database } from 'agentmq/database';
import { historyLock } from './history-lock.js';
import type { ReplayBatch, ReplayOptions, ReplaySelection } from './message-store.js';
import { type Place, writeCursor } from './replay-cursor.js';
import { planReplay } from './replay-plan.js';
import { catchUp } from './sql/catch-up.js';
import { move } from './sql/move.js';
import { replay } from './sql/replay.js';

interface BatchRow {
  readonly matched: number;
  readonly replayed: number;
  readonly last: Place | null;
}

/** Puts on its way again what is open, dead, or a new consumer's to catch up with. */
export class Replayer {
  constructor(private readonly database: Database) {}

  async replay(selection: ReplaySelection, options: ReplayOptions = {}): Promise<ReplayBatch> {
    const plan = planReplay(selection, options);
    const { schema } = this.database;
    const bindings = new Bindings();
    const { to } = plan;
    const goTo = plan.move ? move : catchUp;
    const statement = to === undefined ? replay(schema, plan, bindings) : goTo(schema, plan, to, bindings);
    const [row] = await this.database.transaction(async (transaction) => {
      await historyLock(transaction, schema, 'shared');
      return transaction.query<BatchRow>(statement, bindings.values);
    });
    const { matched = 0, replayed = 0, last = null } = row ?? {};
    return { matched, replayed, ...(last && matched === plan.limit ? { next: writeCursor(last) } : {}) };
  }
}
