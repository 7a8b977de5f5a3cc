import type { Broker } from 'agentmq/broker';
import type { MessageStore } from 'agentmq/message-store';
import type { OutboxRoom } from './outbox-room.js';
import { jittered, Rest } from 'agentmq/time';
import type { Publisher } from './publisher.js';

export interface RelayOptions {
  /** Names this process in its leases. */
  readonly owner: string;
  readonly leaseMs: number;
  /** How often it looks for due entries, in ms. */
  readonly pollMs: number;
  /** The most bytes of bodies under way. */
  readonly maxBytes: number;
}

const BATCH = 500;
/** The next batch is fetched while those before it are still on their way, as long as they are no more than this. */
const UNDER_WAY = 1_500;

/**
 * Publishes the outbox entries that are due: retries, replays, delayed sends, and whatever a process that died, a broker
 * that was away or a recipient that did not exist has left.
 */
export class Relay {
  private running: Promise<void> | undefined;
  private stopped = false;
  private readonly rest = new Rest();
  private nextSample = 0;

  private readonly underWay = new Set<Promise<void>>();
  private bytesUnderWay = 0;

  constructor(
    private readonly broker: Broker,
    private readonly store: MessageStore,
    private readonly publisher: Publisher,
    private readonly room: OutboxRoom,
    private readonly options: RelayOptions,
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
    await Promise.all(this.underWay);
  }

  private async run(): Promise<void> {
    const { pollMs } = this.options;
    while (!this.stopped) {
      const found = await this.look().catch((error: unknown) => {
        this.report('relay', error);
        return 0;
      });
      if (found === 0) await this.rest.sleep(Math.min(jittered(pollMs), this.publisher.full.nextMs ?? pollMs));
    }
  }

  /** Resolves with how many entries were taken. */
  private async look(): Promise<number> {
    await this.sample();
    const { connected, blocked } = this.broker.status();
    if (!connected || blocked) return 0;
    while (this.underWay.size > UNDER_WAY - BATCH || this.bytesUnderWay >= this.options.maxBytes) {
      await Promise.race(this.underWay);
    }
    if (this.stopped) return 0;
    const { owner, leaseMs } = this.options;
    const entries = await this.store.leaseDue(owner, BATCH, leaseMs, this.publisher.full.targets());
    for (const entry of entries) this.track(this.publisher.publish(entry), entry.message.body.length);
    return entries.length;
  }

  /** A long outbox takes long to count: no more than a twentieth of the time is spent on it. */
  private async sample(): Promise<void> {
    const begun = performance.now();
    if (begun < this.nextSample) return;
    this.nextSample = begun + this.options.pollMs;
    await this.room.sample(this.store);
    this.nextSample = begun + Math.max(this.options.pollMs, 20 * (performance.now() - begun));
  }

  private track(work: Promise<void>, bytes: number): void {
    this.underWay.add(work);
    this.bytesUnderWay += bytes;
    void work.finally(() => {
      this.underWay.delete(work);
      this.bytesUnderWay -= bytes;
    });
  }
}
