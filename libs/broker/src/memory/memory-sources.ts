import type { WireMessage } from 'agentmq/protocol';
import type { DeadLettered, Inbox, Incoming, Topics } from '../broker.js';
import { LANES, splitPrefetch } from '../lanes.js';
import type { MemoryHub, MemoryInbox } from './memory-hub.js';
import type { MemoryQueue } from './memory-queue.js';
import type { Routed } from './routed.js';

/** A queue to read, and how many of its messages may be held unacknowledged. */
export interface QueueShare<Q extends WireMessage> {
  readonly queue: MemoryQueue<Q>;
  readonly prefetch: number;
}

/** What a consumer reads: queues that hold `Q`, handed out as `M`. */
export interface MemorySource<Q extends WireMessage, M extends WireMessage> {
  /** The owner of the inbox; undefined when it is none. */
  readonly owner?: Inbox['owner'];
  /** The queues, made if need be, in the order in which they are read. */
  open(): readonly QueueShare<Q>[];
  /** Reading ends. */
  left(): void;
  /** A message as the handler gets it: with bytes of its own, as over a wire. */
  read(message: Q, redelivered: boolean): M;
}

/** Both lanes of an inbox. */
export class InboxSource implements MemorySource<Routed, Incoming> {
  private opened: MemoryInbox | undefined;

  constructor(
    private readonly hub: MemoryHub,
    private inbox: Inbox,
    private readonly prefetch: number,
    private readonly onCreated: () => void = () => undefined,
  ) {}

  get owner(): Inbox['owner'] {
    return this.inbox.owner;
  }

  /** What is to be bound, and once not to be, from now on. */
  setTopics({ topics, dropped = [] }: Topics): void {
    this.inbox = { owner: this.owner, topics, dropped: [...new Set([...(this.inbox.dropped ?? []), ...dropped])] };
  }

  /** Binds what is to be bound now; the inbox is made if need be. */
  bind(): MemoryInbox {
    const bound = this.hub.declare(this.inbox);
    // What was dropped is unbound by now; another instance that binds it later is not to lose it.
    this.inbox = { owner: this.owner, topics: this.inbox.topics };
    return bound;
  }

  open(): readonly QueueShare<Routed>[] {
    const before = this.hub.find(this.owner);
    const opened = this.bind();
    this.opened = opened;
    if (opened !== before) this.onCreated();
    const share = splitPrefetch(this.prefetch);
    return LANES.map((lane) => ({ queue: opened.lanes[lane], prefetch: share[lane] }));
  }

  left(): void {
    if (this.opened) this.opened.usedAt = Date.now();
  }

  read(message: Routed, redelivered: boolean): Incoming {
    return { ...copyOf(message), recipient: message.recipient, redelivered };
  }
}

export class DeadLetterSource implements MemorySource<DeadLettered, DeadLettered> {
  constructor(
    private readonly hub: MemoryHub,
    private readonly prefetch: number,
  ) {}

  open(): readonly QueueShare<DeadLettered>[] {
    return [{ queue: this.hub.deadLetters, prefetch: this.prefetch }];
  }

  left(): void {}

  read(message: DeadLettered): DeadLettered {
    return { ...message, ...copyOf(message) };
  }
}

/** A message that shares nothing with the other that could be changed. */
export const copyOf = ({ properties, body }: WireMessage): WireMessage => ({
  properties: { ...properties, headers: { ...properties.headers } },
  body: Buffer.from(body),
});
