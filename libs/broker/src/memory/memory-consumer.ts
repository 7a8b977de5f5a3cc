import type { WireMessage } from 'agentmq/protocol';
import type { Consumer, Inbox, InboxConsumer } from '../broker.js';
import type { Dispatcher, Held } from '../consuming/dispatcher.js';
import { Ending } from '../consuming/ending.js';
import type { MemoryHub } from './memory-hub.js';
import type { Entry, MemoryQueue, Reader } from './memory-queue.js';
import type { MemorySource } from './memory-sources.js';

/** A consumer, whatever it reads. */
export type AnyMemoryConsumer = Consumer & Pick<MemoryConsumer<never, never>, 'attach' | 'cut' | 'reattach'>;

/** Reads one source of the hub's. */
export class MemoryConsumer<Q extends WireMessage, M extends WireMessage>
  implements AnyMemoryConsumer, Pick<InboxConsumer, 'pause' | 'resume'>
{
  private session: Session<Q, M> | undefined;
  private readonly ending = new Ending((timeUp) => this.shut(timeUp).finally(() => this.onClose()));

  constructor(
    private readonly hub: MemoryHub,
    private readonly source: MemorySource<Q, M>,
    private readonly dispatcher: Dispatcher<M>,
    private readonly onClose: () => void,
    private isPaused = false,
  ) {
    if (isPaused) dispatcher.stop();
  }

  /** Opens the source and reads it, unless it is read already or closed. */
  attach(): void {
    if (this.session || this.ending.hasBegun) return;
    this.session = new Session(this.hub, this.source, this.dispatcher, this.isPaused);
  }

  /** Stops reading at once; what was held goes back, and handlers that run can't answer for their messages any more. */
  cut(): void {
    this.session?.cut();
    this.session = undefined;
    this.dispatcher.forgetStale();
  }

  /** Reads the inbox anew if it was deleted. */
  reattach(owner: Inbox['owner']): void {
    if (this.source.owner?.kind !== owner.kind || this.source.owner.name !== owner.name) return;
    this.cut();
    this.hub.later(() => this.attach());
  }

  close(timeoutMs = 10_000): Promise<void> {
    return this.ending.within(timeoutMs);
  }

  pause(): void {
    this.isPaused = true;
    this.dispatcher.stop();
    this.session?.setPaused(true);
    this.dispatcher.giveBackUnstarted();
  }

  resume(): void {
    if (this.ending.hasBegun) return;
    this.isPaused = false;
    this.dispatcher.resume();
    this.session?.setPaused(false);
  }

  private async shut(timeUp: Promise<void>): Promise<void> {
    this.session?.detach();
    await this.dispatcher.drain(timeUp);
    this.session?.cut();
    this.session = undefined;
  }
}

/** The time from attaching to a source until the connection to the hub is lost. */
class Session<Q extends WireMessage, M extends WireMessage> {
  alive = true;
  private readonly readers: [MemoryQueue<Q>, Reader<Q>][];
  private readonly held = new Set<Delivery<Q, M>>();

  constructor(
    private readonly hub: MemoryHub,
    private readonly source: MemorySource<Q, M>,
    dispatcher: Dispatcher<M>,
    paused: boolean,
  ) {
    this.readers = source.open().map(({ queue, prefetch }) => {
      const reader: Reader<Q> = {
        credit: prefetch,
        paused,
        deliver: (entry) => {
          const message = source.read(entry.message, entry.returns > 0);
          const delivery = new Delivery(message, this, queue, reader, entry);
          this.held.add(delivery);
          dispatcher.add(delivery);
        },
      };
      queue.addReader(reader);
      hub.pump(queue);
      return [queue, reader];
    });
  }

  setPaused(paused: boolean): void {
    for (const [queue, reader] of this.readers) {
      reader.paused = paused;
      this.hub.pump(queue);
    }
  }

  /** Takes nothing more; what is held can still be answered for. */
  detach(): void {
    for (const [queue, reader] of this.readers) queue.removeReader(reader);
    this.source.left();
  }

  cut(): void {
    this.detach();
    this.alive = false;
    for (const { queue, entry } of this.held) {
      queue.giveBack(entry);
      this.hub.pump(queue);
    }
    this.held.clear();
  }

  settle(delivery: Delivery<Q, M>, accepted: boolean): void {
    if (!this.held.delete(delivery)) return;
    const { queue, reader, entry } = delivery;
    if (!accepted) queue.giveBack(entry);
    reader.credit++;
    this.hub.pump(queue);
  }
}

class Delivery<Q extends WireMessage, M extends WireMessage> implements Held<M> {
  constructor(
    readonly message: M,
    private readonly session: Session<Q, M>,
    readonly queue: MemoryQueue<Q>,
    readonly reader: Reader<Q>,
    readonly entry: Entry<Q>,
  ) {}

  get returns(): number {
    return this.entry.returns;
  }

  get stale(): boolean {
    return !this.session.alive;
  }

  accept(): void {
    this.session.settle(this, true);
  }

  giveBack(): void {
    this.session.settle(this, false);
  }
}
