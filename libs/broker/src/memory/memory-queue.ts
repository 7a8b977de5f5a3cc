import type { WireMessage } from 'agentmq/protocol';
import { LONGEST_TIMER_MS } from 'agentmq/time';
import { Fifo } from '../consuming/fifo.js';

/** A message in a queue. */
export interface Entry<M extends WireMessage> {
  readonly message: M;
  /** Its place in the queue. */
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  /** How often it was handed out and came back. */
  returns: number;
}

/** One consumer's share of a queue. */
export interface Reader<M extends WireMessage> {
  /** How many more messages it takes now. */
  credit: number;
  /** It takes none for now. */
  paused: boolean;
  deliver(entry: Entry<M>): void;
}

/**
 * One lane of an inbox, or the dead letters. What comes back goes to its old place; an expired message is taken out when
 * it is first in line.
 */
export class MemoryQueue<M extends WireMessage> {
  private readonly fresh = new Fifo<Entry<M>>();
  /** What came back, by its old place: at most what readers held. */
  private readonly returned: Entry<M>[] = [];
  private readonly readers: Reader<M>[] = [];
  private turn = 0;
  private lastSequence = 0;
  private expiry: NodeJS.Timeout | undefined;
  private discarded = false;

  constructor(
    private readonly limit: number,
    private readonly onExpired: (message: M) => void = () => undefined,
  ) {}

  get size(): number {
    this.dropExpired();
    return this.length;
  }

  get isRead(): boolean {
    return this.readers.length > 0;
  }

  /** False when the queue is full. */
  push(message: M): boolean {
    if (this.length >= this.limit && this.size >= this.limit) return false;
    const { expiration } = message.properties;
    const expiresAt = expiration === undefined ? undefined : Date.now() + expiration;
    this.fresh.push({ message, sequence: ++this.lastSequence, expiresAt, returns: 0 });
    if (expiresAt !== undefined) this.awaitExpiry();
    return true;
  }

  giveBack(entry: Entry<M>): void {
    if (this.discarded) return;
    entry.returns++;
    const place = this.returned.findIndex(({ sequence }) => sequence > entry.sequence);
    this.returned.splice(place < 0 ? this.returned.length : place, 0, entry);
    if (entry.expiresAt !== undefined) this.awaitExpiry();
  }

  addReader(reader: Reader<M>): void {
    this.readers.push(reader);
  }

  removeReader(reader: Reader<M>): void {
    const index = this.readers.indexOf(reader);
    if (index >= 0) this.readers.splice(index, 1);
  }

  /** Hands out what there is, to readers with credit in turn. */
  pump(): void {
    for (;;) {
      const entry = this.next();
      const reader = entry && this.nextReader();
      if (!reader) break;
      this.shift();
      reader.credit--;
      reader.deliver(entry);
    }
    this.awaitExpiry();
  }

  /** The queue is deleted, with all that is in it and all that would still come back to it. */
  discard(): void {
    this.discarded = true;
    clearTimeout(this.expiry);
    this.fresh.replace([]);
    this.returned.length = 0;
  }

  private get length(): number {
    return this.fresh.size + this.returned.length;
  }

  private nextReader(): Reader<M> | undefined {
    for (let tried = 0; tried < this.readers.length; tried++) {
      const reader = this.readers[this.turn++ % this.readers.length];
      if (reader && !reader.paused && reader.credit > 0) return reader;
    }
    return undefined;
  }

  private next(): Entry<M> | undefined {
    this.dropExpired();
    return this.first();
  }

  private first(): Entry<M> | undefined {
    return this.returned[0] ?? this.fresh.peek();
  }

  private shift(): Entry<M> | undefined {
    return this.returned.shift() ?? this.fresh.shift();
  }

  private dropExpired(): void {
    for (let first = this.first(); first; first = this.first()) {
      if (first.expiresAt === undefined || first.expiresAt > Date.now()) return;
      this.shift();
      this.onExpired(first.message);
    }
  }

  /** Without a consumer the message that is first in line leaves the queue when its time is over. */
  private awaitExpiry(): void {
    const expiresAt = this.first()?.expiresAt;
    if (this.expiry || expiresAt === undefined) return;
    const timer = setTimeout(
      () => {
        this.expiry = undefined;
        this.dropExpired();
        this.awaitExpiry();
      },
      Math.min(LONGEST_TIMER_MS, Math.max(1, expiresAt - Date.now())),
    );
    // What waits in memory keeps no process running.
    timer.unref();
    this.expiry = timer;
  }
}
