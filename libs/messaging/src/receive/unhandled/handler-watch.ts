import { Logger } from '@nestjs/common';
import { contractKey } from 'agentmq/protocol';
import type { AwaitedHandler, ConsumerName, OutboxStore, UnhandledStore } from 'agentmq/message-store';
import { RepeatedLog } from 'agentmq/telemetry';
import type { MessageMetrics } from '../../message-metrics.js';

const BATCH = 1_000;
/** From one line about a contract that messages wait for to the next, in ms. */
const SAY_EVERY_MS = 600_000;

/** Brings what waits for a handler to an instance that has one by now, and tells what still waits. */
export class HandlerWatch {
  private readonly log = new RepeatedLog(new Logger('Receiver'), { everyMs: SAY_EVERY_MS });

  constructor(
    private readonly store: {
      readonly outbox: Pick<OutboxStore, 'size'>;
      readonly unhandled: Pick<UnhandledStore, 'rouse' | 'waiting'>;
    },
    private readonly metrics: MessageMetrics,
    /** How long an agent that counts as live may have been silent, in ms. */
    private readonly liveMs: number,
    private readonly consumers: () => readonly ConsumerName[],
    /** What waited is put on its way as far as it leaves half of this number of outbox entries free for what is being sent. */
    private readonly outboxLimit: number,
    /** Called when outbox entries have become due. */
    private readonly wakeRelay: () => void,
  ) {}

  /** Resolves with true when more may wait, for which the outbox has no room now. Rejects as the store does. */
  async rouse(): Promise<boolean> {
    const consumers = this.consumers();
    const mostOpen = Math.max(1, Math.floor(this.outboxLimit / 2));
    for (let more = consumers.length > 0; more;) {
      const room = Math.min(BATCH, mostOpen - (await this.store.outbox.size(mostOpen)));
      if (room <= 0) return true;
      const roused = await this.store.unhandled.rouse(consumers, this.liveMs, room);
      if (roused > 0) this.wakeRelay();
      more = roused === room;
    }
    return false;
  }

  /** What waits for a handler at this agent's consumers. Rejects as the store does. */
  async look(): Promise<readonly AwaitedHandler[]> {
    const consumers = this.consumers();
    const found = consumers.length === 0 ? [] : await this.store.unhandled.waiting(consumers);
    for (const consumer of consumers) {
      const waiting = found.filter((each) => each.consumer === consumer);
      this.metrics.waitingForHandler(
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
