import { Logger } from '@nestjs/common';
import { contractKey } from 'agentmq/protocol';
import type { AwaitedHandler, ConsumerName, OutboxStore, UnhandledStore } from 'agentmq/message-store';
import { RepeatedLog } from 'agentmq/telemetry';
import type { MessageBusOptions } from '../../bus-options.js';
import type { ReceivingDependencies } from '../dependencies.js';

const BATCH = 1_000;
/** From one line about a contract that messages wait for to the next, in ms. */
const SAY_EVERY_MS = 600_000;

type HandlerWatchDependencies = Pick<ReceivingDependencies, 'metrics' | 'wakeRelay'> & {
  readonly store: {
    readonly outbox: Pick<OutboxStore, 'size'>;
    readonly unhandled: Pick<UnhandledStore, 'rouse' | 'waiting'>;
  };
  readonly options: Pick<MessageBusOptions, 'liveMs' | 'outboxLimit'>;
};

/** Brings what waits for a handler to an instance that has one by now, and tells what still waits. */
export class HandlerWatch {
  private readonly log = new RepeatedLog(new Logger('Receiver'), { everyMs: SAY_EVERY_MS });

  constructor(
    private readonly dependencies: HandlerWatchDependencies,
    private readonly consumers: () => readonly ConsumerName[],
  ) {}

  /** Resolves with true when more may wait, for which the outbox has no room now. Rejects as the store does. */
  async rouse(): Promise<boolean> {
    const consumers = this.consumers();
    const { store, wakeRelay, options } = this.dependencies;
    // What waited leaves half of the outbox to what is being sent.
    const mostOpen = Math.max(1, Math.floor(options.outboxLimit / 2));
    for (let more = consumers.length > 0; more;) {
      const room = Math.min(BATCH, mostOpen - (await store.outbox.size(mostOpen)));
      if (room <= 0) return true;
      const roused = await store.unhandled.rouse(consumers, options.liveMs, room);
      if (roused > 0) wakeRelay();
      more = roused === room;
    }
    return false;
  }

  /** What waits for a handler at this agent's consumers. Rejects as the store does. */
  async look(): Promise<readonly AwaitedHandler[]> {
    const consumers = this.consumers();
    const { store, metrics } = this.dependencies;
    const found = consumers.length === 0 ? [] : await store.unhandled.waiting(consumers);
    for (const consumer of consumers) {
      const waiting = found.filter((each) => each.consumer === consumer);
      metrics.waitingForHandler(
        consumer,
        waiting.reduce((sum, { count }) => sum + count, 0),
      );
    }
    for (const { consumer, type, version, count, since } of found) {
      const contract = contractKey({ type, version });
      this.log.note(
        `${consumer} ${contract}`,
        `${consumer}: ${count} messages wait for an instance that handles ${contract}, since ${since.toISOString()}`,
      );
    }
    return found;
  }
}
