import { Logger } from '@nestjs/common';
import type { Store } from 'agentmq/message-store';
import { RepeatedLog } from 'agentmq/telemetry';
import type { DatabaseClock } from 'agentmq/database';
import type { MessageBusOptions } from './bus-options.js';
import type { HandlerWatch } from './receive/unhandled/handler-watch.js';
import type { Receiving } from './receive/receiving.js';
import type { Activity } from './activity.js';
import type { MessageMetrics } from './message-metrics.js';
import { jittered, pause, Rest } from 'agentmq/time';

/** When there was no room for all that was to be done. */
const ROOM_POLL_MS = 250;
const BATCH = 500;
/** Between two batches the store is left to the others for so many times as long as the batch took. */
const REST_FACTOR = 3;

/** What takes long is done less often: a long backlog takes long to look through. */
const IDLE_FACTOR = 20;

/**
 * What every process does now and then for the store: measures its clock, settles what expired, forgets what is old,
 * brings what waits for a handler to it, and ends subscriptions that no instance declares any more.
 */
export class Upkeep {
  private readonly logger = new Logger('Upkeep');
  private readonly log = new RepeatedLog(this.logger);
  private readonly stopping = new AbortController();
  private running: Promise<unknown> | undefined;

  constructor(
    private readonly store: Pick<Store, 'retention' | 'hops' | 'subscriptions'>,
    private readonly clock: DatabaseClock,
    private readonly watch: HandlerWatch,
    private readonly receiving: Receiving,
    private readonly activity: Activity,
    private readonly metrics: Pick<MessageMetrics, 'expired'>,
    private readonly options: MessageBusOptions,
  ) {}

  start(): void {
    const { retentionMs: settledMs, deadRetentionMs: deadMs } = this.options;
    this.running ??= Promise.all([
      this.every('clock', 30_000, 60_000, () => this.clock.sample()),
      this.every('rouse', 5_000, 120_000, () => this.watch.rouse()),
      this.every('handlers', 10_000, 60_000, () => this.watch.look().then(() => undefined)),
      this.every('subscriptions', 10_000, 60_000, () => this.endUndeclared()),
      this.every('topics', 5_000, 60_000, () => this.receiving.rebind()),
      this.every('expire', 10_000, 30_000, () => this.expire()),
      this.every('forget', 60_000, 300_000, () =>
        this.inBatches(() => this.store.retention.forget({ settledMs, deadMs }, BATCH)),
      ),
      this.every('hops', 60_000, 300_000, () => this.inBatches(() => this.store.hops.forget(settledMs, BATCH))),
    ]);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /**
   * Repeats `work`, at these intervals while the process is busy, or idle. Many processes start together: each begins at a moment
   * of its own. `work` resolves with true when it is to go on soon.
   */
  private async every(
    what: string,
    busyMs: number,
    idleMs: number,
    work: () => Promise<boolean | void>,
  ): Promise<void> {
    const { signal } = this.stopping;
    const rest = new Rest();
    this.activity.onBegin(() => rest.wake());
    await pause(Math.random() * busyMs, signal);
    while (!signal.aborted) {
      const { isIdle } = this.activity;
      const begun = performance.now();
      const more = await work().catch((error: unknown) => this.report(what, error));
      const soonest = jittered(more === true ? ROOM_POLL_MS : busyMs);
      await pause(Math.max(soonest, IDLE_FACTOR * (performance.now() - begun)), signal);
      // What was left to be done just before the process became idle is looked at once more.
      if (!isIdle || !this.activity.isIdle || more === true) continue;
      await rest.sleep(Math.max(0, jittered(idleMs) - soonest), signal);
      if (!this.activity.isIdle) await pause(Math.random() * busyMs, signal);
    }
  }

  private async endUndeclared(): Promise<void> {
    const { liveMs, subscriptionGraceMs } = this.options;
    for (const { consumer, pattern } of await this.store.subscriptions.endUndeclared(liveMs, subscriptionGraceMs)) {
      const why = `no live instance has declared it for ${subscriptionGraceMs / 1_000} s`;
      this.logger.warn(`${consumer} is not subscribed to ${pattern} any more: ${why}`);
    }
  }

  private async expire(): Promise<void> {
    let count = 0;
    try {
      await this.inBatches(async () => {
        const expired = await this.store.retention.expire(BATCH);
        this.metrics.expired(expired);
        count += expired;
        return expired;
      });
    } finally {
      if (count > 0)
        this.logger.warn(`${count} deliveries have expired: their time to live ended before they were handled`);
    }
  }

  private async inBatches(work: () => Promise<number>): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const begun = performance.now();
      if ((await work()) < BATCH) return;
      await pause((performance.now() - begun) * REST_FACTOR, signal);
    }
  }

  private report(what: string, error: unknown): void {
    if (!this.stopping.signal.aborted) this.log.warn(what, error);
  }
}
