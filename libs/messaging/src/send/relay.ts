import type { Broker } from 'agentmq/broker';
import type { OutboxStore } from 'agentmq/message-store';
import { jittered, Rest } from 'agentmq/time';
import type { Activity } from '../activity.js';
import type { MessageBusOptions } from '../bus-options.js';
import type { SendCapacity } from './capacity/send-capacity.js';
import type { EntryPublisher } from './entry-publisher.js';

/** The next batch is fetched while those before it are still on their way, as long as there is room for it. */
const BATCH = 500;
/** In an idle process: for entries that were added by a command, which has no relay, or by a process that died. */
const IDLE_POLL_MS = 15_000;

/**
 * Publishes the outbox entries that are due: retries, replays, delayed sends, and whatever a process that died, a broker
 * that was away or a recipient that did not exist has left.
 */
export class Relay {
  private running: Promise<void> | undefined;
  private stopped = false;
  private readonly rest = new Rest();
  private nextSample = 0;

  constructor(
    private readonly broker: Broker,
    private readonly store: OutboxStore,
    private readonly publisher: EntryPublisher,
    private readonly capacity: SendCapacity,
    private readonly activity: Activity,
    private readonly options: MessageBusOptions,
    private readonly report: (what: string, error: unknown) => void,
  ) {
    activity.onBegin(() => this.wake());
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Something became due: looks at once. */
  wake(): void {
    this.rest.wake();
  }

  /** Resolves when what was under way has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake();
    await this.running;
    await this.capacity.relayed.empty();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const restMs = await this.turn().catch((error: unknown) => {
        this.report('relay', error);
        return jittered(this.options.relayPollMs);
      });
      if (restMs > 0) await this.rest.sleep(restMs);
    }
  }

  /** Resolves with how long to rest then, in ms. */
  private async turn(): Promise<number> {
    if (this.activity.isIdle) {
      const dueInMs = await this.store.nextDue();
      if (dueInMs !== undefined || !this.capacity.isEmpty) await this.sample();
      if (dueInMs === undefined || dueInMs > 0) return Math.min(dueInMs ?? Infinity, jittered(IDLE_POLL_MS));
    }
    if ((await this.look()) > 0) return 0;
    const { relayPollMs } = this.options;
    return Math.min(jittered(relayPollMs), this.capacity.full.nextMs ?? relayPollMs);
  }

  /** Resolves with how many entries were taken. */
  private async look(): Promise<number> {
    await this.sample();
    if (!this.broker.status().sends) return 0;
    const { relayed, full } = this.capacity;
    await relayed.room(BATCH);
    if (this.stopped) return 0;
    const { agentId, leaseMs } = this.options;
    const entries = await this.store.leaseDue(agentId, BATCH, leaseMs, full.recipients());
    for (const entry of entries) {
      relayed.enter(entry.message.body.length);
      this.publisher.publish(entry, relayed);
    }
    return entries.length;
  }

  /** A long outbox takes long to count: no more than a twentieth of the time is spent on it. */
  private async sample(): Promise<void> {
    const begun = performance.now();
    if (begun < this.nextSample) return;
    const { relayPollMs } = this.options;
    this.nextSample = begun + relayPollMs;
    await this.capacity.sample(this.store);
    this.nextSample = begun + Math.max(relayPollMs, 20 * (performance.now() - begun));
  }
}
