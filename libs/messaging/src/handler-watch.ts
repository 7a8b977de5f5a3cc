import { Logger } from '@nestjs/common';
import type { AwaitedHandler, ConsumerName, MessageStore } from 'agentmq/message-store';
import type { Metrics } from 'agentmq/telemetry';
import { OncePer } from './once-per.js';

const BATCH = 1_000;
/** From one line about a contract that messages wait for to the next, in ms. */
const SAY_EVERY_MS = 600_000;

/** Brings what waits for a handler to an instance that has one by now, and tells what still waits. */
export class HandlerWatch {
  private readonly logger = new Logger('Inbox');
  private readonly said = new OncePer(SAY_EVERY_MS);

  constructor(
    private readonly store: MessageStore,
    private readonly metrics: Metrics,
    /** How long an agent that counts as live may have been silent, in ms. */
    private readonly liveMs: number,
    private readonly consumers: () => readonly ConsumerName[],
    /** Called when outbox entries have become due. */
    private readonly wakeRelay: () => void,
  ) {}

  /** Rejects as the store does. */
  async rouse(): Promise<void> {
    const consumers = this.consumers();
    for (let roused = BATCH; roused === BATCH && consumers.length > 0;) {
      roused = await this.store.rouse(consumers, this.liveMs, BATCH);
      if (roused > 0) this.wakeRelay();
    }
  }

  /** What waits for a handler at this agent's consumers. Rejects as the store does. */
  async look(): Promise<readonly AwaitedHandler[]> {
    const consumers = this.consumers();
    const found = consumers.length === 0 ? [] : await this.store.waitingForHandler(consumers);
    for (const consumer of consumers) {
      const waiting = found.filter((each) => each.consumer === consumer);
      this.metrics.waitingForHandler(
        consumer,
        waiting.reduce((sum, { count }) => sum + count, 0),
      );
    }
    for (const { consumer, type, version, count, since } of found) {
      if (!this.said.isDue(`${consumer} ${type}@${version}`)) continue;
      this.logger.warn(
        `${consumer}: ${count} messages wait for an instance that handles ${type}@${version}, since ${since.toISOString()}`,
      );
    }
    return found;
  }
}
