import type { DeliveryState, ReplaySelection } from 'agentmq/message-store';
import { Audit, BulkChanges } from 'agentmq/operations';
import { commandActor } from '../command/actor.js';
import { withStore } from '../command/with-store.js';
import { type BulkOptions, carryOut } from './carry-out.js';

export interface ReplayCommandOptions extends BulkOptions {
  readonly id?: readonly string[];
  readonly trace?: string;
  readonly type?: string;
  readonly topic?: string;
  readonly consumer?: string;
  readonly from?: Date;
  readonly before?: Date;
  readonly state?: readonly DeliveryState[];
  readonly to?: string;
}

/** Replays what the options select, and says how much that was. Rejects as `BulkChanges.replay` does. */
export function replayMessages(options: ReplayCommandOptions): Promise<void> {
  const { id, trace, type, topic, consumer, from, before, state, to } = options;
  const selection: ReplaySelection = {
    ...(id ? { messageIds: id } : {}),
    ...(trace === undefined ? {} : { traceId: trace }),
    ...(type === undefined ? {} : { type }),
    ...(topic === undefined ? {} : { topic }),
    ...(consumer === undefined ? {} : { consumer }),
    ...(from ? { from } : {}),
    ...(before ? { before } : {}),
    ...(state ? { states: state } : {}),
  };
  return withStore((store, settings) => {
    const changes = new BulkChanges(store, new Audit(store.database), settings.messaging);
    const given = to === undefined ? {} : { to };
    return carryOut('replay', options, (run) => changes.replay(commandActor(), selection, { ...given, ...run }));
  });
}
