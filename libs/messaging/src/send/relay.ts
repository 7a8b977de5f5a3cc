import type { Broker } from 'agentmq/broker';
import type { MessageStore } from 'agentmq/message-store';
import { jittered, Rest } from 'agentmq/time';
import type { MessageBusOptions } from '../bus-options.js';
import type { SendCapacity } from './capacity/send-capacity.js';
import type { EntryPublisher } from './entry-publisher.js';

/** The next batch is fetched while those before it are still on their way, as long as there is room for it. */
const BATCH = 500;

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
    private readonly store: MessageStore,
    private readonly publisher: EntryPublisher,
    private readonly capacity: SendCapacity,
    private readonly options: MessageBusOptions,
    private readonly report: (what: string, error: unknown) => void,
  ) {}

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
    const { relayPollMs } = this.options;
    while (!this.stopped) {
      const found = await this.look().catch((error: unknown) => {
        this.report('relay', error);
        return 0;
      });
      if (found === 0) {
        await this.rest.sleep(Math.min(jittered(relayPollMs), this.capacity.full.nextMs ?? relayPollMs));
      }
    }
  }

  /** Resolves with how many entries were taken. */
  private async look(): Promise<number> {
    await this.sample();
    const { connected, blocked } = this.broker.status();
    if (!connected || blocked) return 0;
    const { relayed, full } = this.capacity;
    await relayed.room(BATCH);
    if (this.stopped) return 0;
    const { agentId, leaseMs } = this.options;
    const entries = await this.store.leaseDue(agentId, BATCH, leaseMs, full.recipients());
    for (const entry of entries) {
      relayed.enter(entry.message.body.length);
      void this.publisher.publish(entry, relayed);
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
