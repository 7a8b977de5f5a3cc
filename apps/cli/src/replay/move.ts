import { Audit, BulkChanges } from 'agentmq/operations';
import { commandActor } from '../command/actor.js';
import { UsageError } from '../command/errors.js';
import { withStore } from '../command/with-store.js';
import { note } from '../output/index.js';
import { type BulkOptions, carryOut } from './carry-out.js';

export interface MoveOptions extends BulkOptions {
  readonly dead: boolean;
  readonly keepSubscriptions: boolean;
}

/** Makes what a consumer is owed another one's: its subscriptions first, so that nothing new is owed to it meanwhile. */
export async function moveDeliveries(from: string, to: string, options: MoveOptions): Promise<void> {
  const { dead, keepSubscriptions } = options;
  if (from === to) throw new UsageError(`${from} is to be moved to itself`);
  await withStore(async (store, settings) => {
    const changes = new BulkChanges(store, new Audit(store.database), settings.messaging);
    const actor = commandActor();
    let areMoved = keepSubscriptions;
    await carryOut('move', options, async (run) => {
      // after the question
      if (!areMoved && !run.dryRun) {
        areMoved = true;
        for (const pattern of await changes.moveSubscriptions(actor, { from, to }))
          note(`${to} is subscribed to ${pattern} in place of ${from}`);
      }
      return changes.move(actor, { from, to }, { dead }, run);
    });
  });
}
