import type { DeadLettered, Inbox, Incoming, Topics } from '../../broker.js';
import { type Lane, LANES, splitPrefetch } from '../../lanes.js';
import type { Topology } from '../../topology.js';
import { fromFields } from '../wire.js';

/** The name of the stream of dead letters, without the prefix. */
export const DEAD_LETTERS = 'dead-letter';

/** What a consumer reads: streams, and what it makes of their entries. */
export interface Source<M> {
  /** The inbox's name in keys, without the prefix. */
  readonly queue: string;
  /** How many of each stream's messages may be held, in the order in which the scripts name the streams. */
  readonly prefetch: readonly number[];
  readonly topics: readonly string[];
  readonly dropped: readonly string[];
  /** How long it stays when it is not read, in ms; 0 for ever. */
  readonly expiresMs: number;
  read(fields: readonly Buffer[], redelivered: boolean): M;
}

/** `role.worker` or `agent.worker-1`. Throws `InvalidMessageError` for a name that would be another inbox's lane. */
export function queueOf(owner: Inbox['owner'], topology: Topology, prefix: string): string {
  return topology.queue(owner, 'normal').slice(prefix.length);
}

/** Both lanes of an inbox. */
export class InboxSource implements Source<Incoming> {
  readonly prefetch: readonly number[];
  private bound: Topics;

  constructor(
    private readonly inbox: Inbox,
    readonly queue: string,
    prefetch: number,
    agentInboxExpiresMs: number,
  ) {
    const share: Readonly<Record<Lane, number>> = splitPrefetch(prefetch);
    this.prefetch = LANES.map((lane) => share[lane]);
    this.bound = inbox;
    this.expiresMs = inbox.owner.kind === 'agent' ? agentInboxExpiresMs : 0;
  }

  readonly expiresMs: number;

  get topics(): readonly string[] {
    return this.bound.topics;
  }

  get dropped(): readonly string[] {
    return this.bound.dropped ?? [];
  }

  setTopics({ topics, dropped = [] }: Topics): void {
    this.bound = { topics, dropped: [...new Set([...this.dropped, ...dropped])] };
  }

  /** What was to be unbound is; another instance that binds it later is not to lose it. */
  isBound(topics: readonly string[]): void {
    if (topics === this.topics) this.bound = { topics };
  }

  read(fields: readonly Buffer[], redelivered: boolean): Incoming {
    const { to, properties, body } = fromFields(fields);
    return { properties, body, recipient: to ?? this.inbox.owner, redelivered };
  }
}

export class DeadLetterSource implements Source<DeadLettered> {
  readonly queue = DEAD_LETTERS;
  readonly prefetch: readonly number[];
  readonly topics = [];
  readonly dropped = [];
  readonly expiresMs = 0;

  constructor(
    prefetch: number,
    private readonly topology: Topology,
    private readonly prefix: string,
  ) {
    this.prefetch = [prefetch];
  }

  read(fields: readonly Buffer[]): DeadLettered {
    const { to, owner, reason = 'unknown', properties, body } = fromFields(fields);
    const { expiration, ...kept } = properties;
    return {
      properties: kept,
      body,
      owner: owner === undefined ? undefined : this.topology.ownerOf(this.prefix + owner),
      recipient: to,
      reason,
      expiration,
      count: 1,
    };
  }
}
