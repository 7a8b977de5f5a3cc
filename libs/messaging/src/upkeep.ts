import { Logger } from '@nestjs/common';
import type { MessageStore } from 'agentmq/message-store';
import { RepeatedLog } from 'agentmq/telemetry';
import type { DatabaseClock } from 'agentmq/database';
import type { HandlerWatch } from './receive/unhandled/handler-watch.js';
import type { Receiving } from './receive/receiving.js';
import { jittered, pause } from 'agentmq/time';

export interface UpkeepOptions {
  /** How long settled messages are kept, in ms. */
  readonly retentionMs: number;
  /** How long dead letters are kept that nobody discarded, in ms. */
  readonly deadRetentionMs: number;
  /** How long an agent that counts as live may have been silent, in ms. */
  readonly liveMs: number;
  /** How long a role keeps a subscription that no live instance declares, in ms. */
  readonly subscriptionGraceMs: number;
}

const CLOCK_EVERY_MS = 30_000;
const EXPIRE_EVERY_MS = 10_000;
const FORGET_EVERY_MS = 60_000;
const ROUSE_EVERY_MS = 5_000;
/** When there was no room for all that was to be done. */
const ROOM_POLL_MS = 250;
const LOOK_EVERY_MS = 10_000;
const REBIND_EVERY_MS = 5_000;
const END_EVERY_MS = 10_000;
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
    private readonly store: MessageStore,
    private readonly clock: DatabaseClock,
    private readonly watch: HandlerWatch,
    private readonly receiving: Receiving,
    private readonly options: UpkeepOptions,
  ) {}

  start(): void {
    const { retentionMs: settledMs, deadRetentionMs: deadMs } = this.options;
    this.running ??= Promise.all([
      this.every(CLOCK_EVERY_MS, 'clock', () => this.clock.sample()),
      this.every(ROUSE_EVERY_MS, 'rouse', () => this.watch.rouse()),
      this.every(LOOK_EVERY_MS, 'handlers', () => this.watch.look().then(() => undefined)),
      this.every(END_EVERY_MS, 'subscriptions', () => this.endUndeclared()),
      this.every(REBIND_EVERY_MS, 'topics', () => this.receiving.rebind()),
      this.every(EXPIRE_EVERY_MS, 'expire', () => this.inBatches(() => this.store.expire(BATCH))),
      this.every(FORGET_EVERY_MS, 'forget', () =>
        this.inBatches(() => this.store.forget({ settledMs, deadMs }, BATCH)),
      ),
      this.every(FORGET_EVERY_MS, 'hops', () => this.inBatches(() => this.store.forgetHops(settledMs, BATCH))),
    ]);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Many processes start together: each begins at a moment of its own. `work` resolves with true when it is to go on soon. */
  private async every(periodMs: number, what: string, work: () => Promise<boolean | void>): Promise<void> {
    const { signal } = this.stopping;
    await pause(Math.random() * periodMs, signal);
    while (!signal.aborted) {
      const begun = performance.now();
      const more = await work().catch((error: unknown) => this.report(what, error));
      const rest = jittered(more === true ? ROOM_POLL_MS : periodMs);
      await pause(Math.max(rest, IDLE_FACTOR * (performance.now() - begun)), signal);
    }
  }

  private async endUndeclared(): Promise<void> {
    const { liveMs, subscriptionGraceMs } = this.options;
    for (const { consumer, pattern } of await this.store.endUndeclared(liveMs, subscriptionGraceMs)) {
      const why = `no live instance has declared it for ${subscriptionGraceMs / 1_000} s`;
      this.logger.warn(`${consumer} is not subscribed to ${pattern} any more: ${why}`);
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
