import { InvalidMessageError, type Recipient, toEveryone } from 'agentmq/protocol';
import type { Inbox, Topics } from './broker.js';
import { type Lane, LANES } from './lanes.js';

type ExchangeKind = 'direct' | 'topic' | 'broadcast';

/** An exchange as it is declared. */
export interface ExchangeName {
  readonly name: string;
  readonly type: 'direct' | 'topic' | 'fanout';
}

/** What a queue is bound to. */
export interface Binding {
  readonly exchange: string;
  readonly routingKey: string;
}

/** The exchange that the broker sends on to what it takes out of an inbox, and the queue that keeps it, end in this. */
const DEAD_LETTER = 'dead-letter';
const KINDS: readonly ExchangeKind[] = ['direct', 'topic', 'broadcast'];
const HIGH = '.high';
const MOVING = 'moving.';

/** The names of exchanges, queues and routing keys in one namespace: docs/WIRE.md. */
export class Topology {
  /** The name of the exchange and of the queue of dead letters. */
  readonly deadLetters: string;
  readonly deadLetterBinding: Binding;
  private readonly kinds = new Map<string, ExchangeKind>();
  /** By lane and kind. */
  private readonly names: Readonly<Record<Lane, Readonly<Record<ExchangeKind, string>>>>;

  constructor(private readonly namespace: string) {
    this.deadLetters = `${namespace}.${DEAD_LETTER}`;
    this.deadLetterBinding = { exchange: this.deadLetters, routingKey: '' };
    const named = (suffix: string): Record<ExchangeKind, string> => ({
      direct: `${namespace}.direct${suffix}`,
      topic: `${namespace}.topic${suffix}`,
      broadcast: `${namespace}.broadcast${suffix}`,
    });
    this.names = { normal: named(''), high: named(HIGH) };
    for (const kind of KINDS) for (const lane of LANES) this.kinds.set(this.names[lane][kind], kind);
  }

  exchanges(): ExchangeName[] {
    const inboxes = [...this.kinds].map(([name, kind]): ExchangeName => ({
      name,
      type: kind === 'broadcast' ? 'fanout' : kind,
    }));
    return [...inboxes, { name: this.deadLetters, type: 'fanout' }];
  }

  /** The exchange and the routing key that lead to a recipient. */
  address({ kind, name }: Recipient, lane: Lane): Binding {
    const exchanges = this.names[lane];
    if (kind === 'topic') return { exchange: exchanges.topic, routingKey: name };
    if (kind === 'broadcast') return { exchange: exchanges.broadcast, routingKey: '' };
    return { exchange: exchanges.direct, routingKey: `${kind}.${name}` };
  }

  /** Throws `InvalidMessageError` for a name that ends in `.high`: its queue would be another inbox's high lane. */
  queue({ kind, name }: Inbox['owner'], lane: Lane): string {
    if (name.endsWith(HIGH)) throw new InvalidMessageError(kind, `"${name}" must not end in "${HIGH}"`);
    return `${this.namespace}.${kind}.${name}${lane === 'high' ? HIGH : ''}`;
  }

  /** The owner of the inbox that a queue is a lane of; undefined when it is none of this namespace. */
  ownerOf(queue: string): Inbox['owner'] | undefined {
    const prefix = `${this.namespace}.`;
    if (!queue.startsWith(prefix)) return undefined;
    const rest = queue.slice(prefix.length);
    const name = rest.startsWith(MOVING) ? rest.slice(MOVING.length) : rest;
    return ownerIn(name.endsWith(HIGH) ? name.slice(0, -HIGH.length) : name);
  }

  /** Where the messages of a queue wait while it is made anew. */
  movingQueue(queue: string): string {
    return `${this.namespace}.${MOVING}${queue.slice(this.namespace.length + 1)}`;
  }

  /** A role's queue takes what is sent to the role and its topics; an agent's also what is broadcast. */
  bindings({ owner, topics }: Inbox, lane: Lane): Binding[] {
    return [
      this.address(owner, lane),
      ...(owner.kind === 'agent' ? [this.address(toEveryone, lane)] : []),
      ...topics.map((pattern) => ({ exchange: this.names[lane].topic, routingKey: pattern })),
    ];
  }

  /** What of the inbox's topics is not to be bound any more. */
  droppedBindings({ topics, dropped = [] }: Topics, lane: Lane): Binding[] {
    const gone = dropped.filter((pattern) => !topics.includes(pattern));
    return gone.map((pattern) => ({ exchange: this.names[lane].topic, routingKey: pattern }));
  }

  /** A name for the queue of one that listens: of this namespace, and of no inbox. */
  listeningQueue(unique: string): string {
    return `${this.namespace}.listen.${unique}`;
  }

  /** A listener hears both lanes. */
  listeningBindings(topics: readonly string[]): Binding[] {
    return LANES.flatMap((lane) =>
      topics.map((pattern) => ({ exchange: this.names[lane].topic, routingKey: pattern })),
    );
  }

  /** The recipient of a message. What came by any other way than our exchanges was sent to the inbox's owner. */
  recipientOf(exchange: string, routingKey: string, owner: Inbox['owner']): Recipient {
    const kind = this.kinds.get(exchange);
    if (kind === 'topic') return { kind, name: routingKey };
    return kind === 'broadcast' ? toEveryone : owner;
  }

  /** The same where the inbox is not known; undefined when the exchange is none of this namespace's. */
  recipientAt(exchange: string, routingKey: string): Recipient | undefined {
    const kind = this.kinds.get(exchange);
    if (kind === 'topic') return { kind, name: routingKey };
    if (kind === 'broadcast') return toEveryone;
    return kind && ownerIn(routingKey);
  }
}

/** `role.<name>` or `agent.<name>`, as the routing keys to an inbox are written. */
function ownerIn(text: string): Inbox['owner'] | undefined {
  const [, kind, name] = /^(role|agent)\.(.+)$/s.exec(text) ?? [];
  return name !== undefined && (kind === 'role' || kind === 'agent') ? { kind, name } : undefined;
}
