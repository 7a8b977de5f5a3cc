import { AsyncResource } from 'node:async_hooks';
import { formatRecipient, type Recipient, topicMatches, type WireMessage } from 'agentmq/protocol';
import type { DeadLettered, Inbox } from '../broker.js';
import { notWhole } from '../checks.js';
import { BrokerOptionsError, QueueFullError } from '../errors.js';
import { type Lane, laneOf, LANES } from '../lanes.js';
import { MemoryListeners } from './memory-listeners.js';
import { MemoryQueue } from './memory-queue.js';
import type { Routed } from './routed.js';

export interface MemoryHubOptions {
  /**
   * The most messages that wait in one lane of an inbox; more are refused with `QueueFullError`. Default 10,000. It is
   * also the most dead letters that wait for a consumer; more are dropped.
   */
  readonly maxQueueSize?: number;
  /** An agent's own inbox that had no consumer for so long is removed, in ms; default 24 h. */
  readonly agentInboxExpiresMs?: number;
}

/** A broker object as the hub knows it. */
export interface MemoryClient {
  /** Takes the answer to a request. */
  answer(reply: WireMessage): void;
  /** Its connection is cut: what its consumers held is taken back, answers that it waits for are lost. */
  disconnected(): void;
  /** Its connection is back. */
  connected(): void;
  /** An inbox was deleted: its consumers declare it again. */
  deleted(owner: Inbox['owner']): void;
}

export interface MemoryInbox {
  readonly owner: Inbox['owner'];
  readonly topics: Set<string>;
  readonly lanes: Readonly<Record<Lane, MemoryQueue<Routed>>>;
  /** Milliseconds since the epoch; when it was last declared or read. */
  usedAt: number;
}

/** How many topics the routes are remembered of. */
const MAX_ROUTES = 10_000;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The in-process counterpart of a RabbitMQ server: inboxes and what waits in them live here and outlive the clients,
 * one {@link MemoryBroker} per agent. Everything happens in a later turn of the event loop, never inside a call.
 */
export class MemoryHub {
  readonly listeners = new MemoryListeners((task) => this.later(task));
  private readonly maxQueueSize: number;
  private readonly expiresMs: number;
  private readonly inboxes = new Map<string, MemoryInbox>();
  private readonly routes = new Map<string, readonly MemoryInbox[]>();
  private readonly clients = new Map<string, MemoryClient>();
  private readonly unpumped = new Set<{ pump(): void }>();
  /** In no flow of a sender's: its transaction, say, is none of the receiver's. */
  private readonly outside = new AsyncResource('agentmq:memory-hub');
  private tasks: (() => void)[] = [];
  private dead: MemoryQueue<DeadLettered>;
  private stopped = false;

  /** Throws `BrokerOptionsError`. */
  constructor({ maxQueueSize = 10_000, agentInboxExpiresMs = DAY_MS }: MemoryHubOptions = {}) {
    const problems = Object.entries({ maxQueueSize, agentInboxExpiresMs }).flatMap(([name, value]) =>
      notWhole(name, value, Number.MAX_SAFE_INTEGER),
    );
    if (problems.length > 0) throw new BrokerOptionsError(problems);
    this.maxQueueSize = maxQueueSize;
    this.expiresMs = agentInboxExpiresMs;
    this.dead = new MemoryQueue(maxQueueSize);
  }

  /** What expired in the inboxes and waits to be read. */
  get deadLetters(): MemoryQueue<DeadLettered> {
    return this.dead;
  }

  /** It can't be reached. */
  get isStopped(): boolean {
    return this.stopped;
  }

  /** Does to its clients what a server does that goes away until {@link start}: all connections are lost; what waits stays. */
  stop(): void {
    this.stopped = true;
    for (const client of this.clients.values()) client.disconnected();
  }

  start(): void {
    this.stopped = false;
    this.reconnect(() => undefined);
  }

  /** Does to its clients what the restart of a server does: all connections are lost and come back; what waits stays. */
  restart(): void {
    this.reconnect(() => undefined);
  }

  /** Does to its clients what a server does that comes back without its data: also, all inboxes and what waits are gone. */
  wipe(): void {
    this.reconnect(() => {
      for (const inbox of this.inboxes.values()) discard(inbox);
      this.inboxes.clear();
      this.routes.clear();
      this.dead.discard();
      this.dead = new MemoryQueue(this.maxQueueSize);
    });
  }

  /** Makes a client known by the address that answers to its requests go to. */
  connect(address: string, client: MemoryClient): void {
    this.clients.set(address, client);
  }

  disconnect(address: string): void {
    this.clients.delete(address);
  }

  /** The inbox as it is, made if need be, with these topics added and the dropped ones removed. */
  declare({ owner, topics, dropped = [] }: Inbox): MemoryInbox {
    this.removeUnused();
    const key = formatRecipient(owner);
    let inbox = this.inboxes.get(key);
    if (!inbox) {
      const lane = (): MemoryQueue<Routed> =>
        new MemoryQueue(this.maxQueueSize, (message) => this.bury(owner, message));
      inbox = { owner, topics: new Set(), lanes: { high: lane(), normal: lane() }, usedAt: Date.now() };
      this.inboxes.set(key, inbox);
    }
    for (const pattern of dropped) inbox.topics.delete(pattern);
    for (const pattern of topics) inbox.topics.add(pattern);
    this.routes.clear();
    return inbox;
  }

  find(owner: Inbox['owner']): MemoryInbox | undefined {
    return this.inboxes.get(formatRecipient(owner));
  }

  /** How many messages wait in an inbox; undefined when there is none. */
  sizeOf(owner: Inbox['owner']): number | undefined {
    const inbox = this.find(owner);
    return inbox && inbox.lanes.high.size + inbox.lanes.normal.size;
  }

  delete(owner: Inbox['owner']): void {
    const inbox = this.find(owner);
    if (!inbox) return;
    discard(inbox);
    this.inboxes.delete(formatRecipient(owner));
    this.routes.clear();
    for (const client of this.clients.values()) client.deleted(owner);
  }

  /**
   * Puts a message where it belongs. Returns how many inboxes and listeners it is for; throws `QueueFullError` when an
   * inbox did not take it.
   */
  route(message: WireMessage, recipient: Recipient): number {
    const inboxes = this.inboxesOf(recipient);
    const lane = laneOf(message.properties.priority);
    const routed: Routed = { ...message, recipient };
    const listeners = this.listeners.tell(routed);
    let refused = false;
    for (const inbox of inboxes) {
      const queue = inbox.lanes[lane];
      if (queue.push(routed)) this.pump(queue);
      else refused = true;
    }
    if (refused) throw new QueueFullError(recipient);
    return inboxes.length + listeners;
  }

  /** Sends an answer; false when the asking client is gone. */
  answer(address: string, reply: WireMessage): boolean {
    const client = this.clients.get(address);
    if (client) this.later(() => client.answer(reply));
    return client !== undefined;
  }

  /** Hands out what is in a queue, soon. */
  pump(queue: { pump(): void }): void {
    if (this.unpumped.has(queue)) return;
    this.unpumped.add(queue);
    this.later(() => {
      this.unpumped.delete(queue);
      queue.pump();
    });
  }

  /** Runs `task` in the next turn of the event loop, after those that were given before. It must not throw. */
  later(task: () => void): void {
    if (this.tasks.push(task) > 1) return;
    setImmediate(() => {
      const tasks = this.tasks;
      this.tasks = [];
      this.outside.runInAsyncScope(() => {
        for (const next of tasks) next();
      });
    });
  }

  private inboxesOf(recipient: Recipient): readonly MemoryInbox[] {
    if (recipient.kind === 'role' || recipient.kind === 'agent') {
      const inbox = this.inboxes.get(formatRecipient(recipient));
      return inbox ? [inbox] : [];
    }
    const key = formatRecipient(recipient);
    let found = this.routes.get(key);
    if (!found) {
      if (this.routes.size >= MAX_ROUTES) this.routes.clear();
      found = [...this.inboxes.values()].filter(({ owner, topics }) =>
        recipient.kind === 'broadcast'
          ? owner.kind === 'agent'
          : [...topics].some((pattern) => topicMatches(pattern, recipient.name)),
      );
      this.routes.set(key, found);
    }
    return found;
  }

  private reconnect(meanwhile: () => void): void {
    const clients = [...this.clients.values()];
    for (const client of clients) client.disconnected();
    meanwhile();
    this.later(() => {
      if (!this.stopped) for (const client of clients) client.connected();
    });
  }

  private bury(owner: Inbox['owner'], { properties, body, recipient }: Routed): void {
    const { expiration, ...kept } = properties;
    this.dead.push({ properties: kept, body, owner, recipient, reason: 'expired', expiration, count: 1 });
    this.pump(this.dead);
  }

  private removeUnused(): void {
    const oldest = Date.now() - this.expiresMs;
    for (const inbox of this.inboxes.values()) {
      if (inbox.owner.kind !== 'agent') continue;
      const isRead = inbox.lanes.high.isRead || inbox.lanes.normal.isRead;
      if (!isRead && inbox.usedAt < oldest) this.delete(inbox.owner);
    }
  }
}

function discard({ lanes }: MemoryInbox): void {
  for (const lane of LANES) lanes[lane].discard();
}
