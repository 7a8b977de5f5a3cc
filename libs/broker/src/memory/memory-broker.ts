import { randomUUID } from 'node:crypto';
import type { Recipient, WireMessage } from 'agentmq/protocol';
import {
  Broker,
  type BrokerFault,
  type BrokerFigures,
  type BrokerStatus,
  type Consumer,
  type ConsumeOptions,
  type DeadLettered,
  type Features,
  type FlowOptions,
  type Inbox,
  type InboxConsumer,
  type Incoming,
  type IncomingHandler,
  type MessageHandler,
  type Publication,
  type WireRequestOptions,
  type Topics,
} from '../broker.js';
import { checkFlow, checkMessage, notWhole } from '../checks.js';
import { Dispatcher } from '../consuming/dispatcher.js';
import { BrokerClosedError, BrokerOptionsError, BrokerUnavailableError, NoRecipientError } from '../errors.js';
import { LANES } from '../lanes.js';
import { PendingRequests } from '../server/pending-requests.js';
import { Topology } from '../topology.js';
import { type AnyMemoryConsumer, MemoryConsumer } from './memory-consumer.js';
import type { MemoryClient, MemoryHub } from './memory-hub.js';
import { MemoryListener } from './memory-listener.js';
import { copyOf, DeadLetterSource, InboxSource, type MemorySource } from './memory-sources.js';

export interface MemoryBrokerOptions {
  /** The largest body; default 16 MiB. */
  readonly maxMessageBytes?: number;
}

/** The transport within one process. Brokers of the same hub reach each other. */
export class MemoryBroker extends Broker {
  readonly features: Features = { priority: true, queueLimit: true, survivesRestart: true, ttl: true };

  /** Where answers to this client's requests go. */
  private readonly address = `memory.reply-to.${randomUUID()}`;
  private readonly maxMessageBytes: number;
  /** Refuses the names that RabbitMQ's queues could not have. */
  private readonly names = new Topology('memory');
  private readonly consumers = new Set<AnyMemoryConsumer>();
  private readonly requests = new PendingRequests();
  private state: 'new' | 'open' | 'cut' | 'closed' = 'new';
  private cutSince = new Date();
  private cuts = 0;
  private closing: Promise<void> | undefined;

  /** Throws `BrokerOptionsError`. */
  constructor(
    private readonly hub: MemoryHub,
    { maxMessageBytes = 16 * 1024 * 1024 }: MemoryBrokerOptions = {},
  ) {
    super();
    const problems = notWhole('maxMessageBytes', maxMessageBytes, 0x7fff_ffff);
    if (problems.length > 0) throw new BrokerOptionsError(problems);
    this.maxMessageBytes = maxMessageBytes;
  }

  async start(): Promise<void> {
    if (this.closing || this.state === 'closed') throw new BrokerClosedError();
    if (this.state !== 'new') return;
    this.checkHub();
    this.state = 'open';
    const client: MemoryClient = {
      answer: (reply) => this.requests.answer(reply),
      disconnected: () => this.disconnected(),
      connected: () => this.connected(),
      deleted: (owner) => {
        for (const consumer of this.consumers) consumer.reattach(owner);
      },
    };
    this.hub.connect(this.address, client);
  }

  async consume(inbox: Inbox, options: ConsumeOptions, handler: IncomingHandler): Promise<InboxConsumer> {
    const { prefetch, concurrency } = checkFlow(options);
    for (const lane of LANES) this.names.queue(inbox.owner, lane);
    const source = new InboxSource(this.hub, inbox, prefetch, options.onCreated);
    const consumer = this.read(source, new Dispatcher(concurrency, handler), options.paused);
    const rebind = async (topics: Topics): Promise<void> => {
      source.setTopics(topics);
      if (this.state !== 'open') throw new BrokerUnavailableError('the broker is not connected');
      source.bind();
    };
    return {
      close: (timeoutMs) => consumer.close(timeoutMs),
      rebind,
      pause: () => consumer.pause(),
      resume: () => consumer.resume(),
    };
  }

  async consumeDeadLetters(options: FlowOptions, handler: MessageHandler<DeadLettered>): Promise<Consumer> {
    const { prefetch, concurrency } = checkFlow(options);
    return this.read(new DeadLetterSource(this.hub, prefetch), new Dispatcher(concurrency, handler));
  }

  async listen(topics: readonly string[], handler: (message: Incoming) => void): Promise<Consumer> {
    return this.begin((onClose) => new MemoryListener(this.hub, topics, handler, onClose));
  }

  publish({ properties, body, recipient, mandatory }: Publication): Promise<void> {
    return this.sending({ properties, body }, recipient, mandatory);
  }

  async request(publication: Publication, options: WireRequestOptions): Promise<WireMessage> {
    if (this.closing) throw new BrokerClosedError();
    checkMessage(publication, this.maxMessageBytes);
    return this.requests.ask(publication, options, {
      replyTo: this.address,
      send: (request, published, fail) => {
        void this.sending(request, publication.recipient, true).then(published, fail);
        return { sent: true };
      },
      withdraw: () => undefined,
    });
  }

  async reply(replyTo: string, reply: WireMessage): Promise<void> {
    if (this.state === 'closed') throw new BrokerClosedError();
    checkMessage(reply, this.maxMessageBytes);
    this.checkHub();
    if (!this.hub.answer(replyTo, copyOf(reply))) throw new NoRecipientError(replyTo);
    await this.confirmed();
  }

  async inboxSize(owner: Inbox['owner']): Promise<number | undefined> {
    this.checkHub();
    return this.hub.sizeOf(owner);
  }

  /** Close a consumer of the inbox first: it would declare it again. */
  async deleteInbox(owner: Inbox['owner']): Promise<void> {
    this.checkHub();
    this.hub.delete(owner);
  }

  status(): BrokerStatus {
    return { type: 'in_memory', connected: this.state === 'open', sends: this.state === 'open', blocked: false };
  }

  faults(): readonly BrokerFault[] {
    if (this.state !== 'cut') return [];
    return [{ kind: 'not_connected', of: 'the hub', reason: 'disconnected', since: this.cutSince }];
  }

  figures(): BrokerFigures {
    return { connectionsLost: this.cuts, blockedMs: 0, unconfirmed: 0 };
  }

  close(timeoutMs = 10_000): Promise<void> {
    this.closing ??= this.shut(timeoutMs);
    return this.closing;
  }

  /** Ends as the death of its process would: nothing is drained, and what its consumers hold goes back to its queues. */
  crash(): void {
    this.state = 'closed';
    this.hub.disconnect(this.address);
    for (const consumer of this.consumers) consumer.cut();
    this.requests.rejectAll(() => new BrokerClosedError());
    this.closing ??= Promise.resolve();
  }

  private async shut(timeoutMs: number): Promise<void> {
    await Promise.all([...this.consumers].map((consumer) => consumer.close(timeoutMs)));
    this.crash();
  }

  private read<Q extends WireMessage, M extends WireMessage>(
    source: MemorySource<Q, M>,
    dispatcher: Dispatcher<M>,
    paused?: boolean,
  ): MemoryConsumer<Q, M> {
    return this.begin((onClose) => new MemoryConsumer(this.hub, source, dispatcher, onClose, paused));
  }

  private begin<One extends AnyMemoryConsumer>(make: (onClose: () => void) => One): One {
    if (this.closing || this.state === 'closed') throw new BrokerClosedError();
    const consumer = make(() => void this.consumers.delete(consumer));
    this.consumers.add(consumer);
    if (this.state !== 'cut') consumer.attach();
    return consumer;
  }

  private async sending(message: WireMessage, recipient: Recipient, mandatory: boolean): Promise<void> {
    if (this.state === 'closed') throw new BrokerClosedError();
    checkMessage(message, this.maxMessageBytes);
    this.checkHub();
    // What the hub keeps is the hub's: the sender may use its buffer again.
    const inboxes = this.hub.route(copyOf(message), recipient);
    if (mandatory && inboxes === 0) throw new NoRecipientError(recipient);
    await this.confirmed();
  }

  private checkHub(): void {
    if (this.hub.isStopped) throw new BrokerUnavailableError('the broker is stopped');
  }

  /** In a later turn, as over a wire: a sender that awaits each confirm in a loop lets receivers run. */
  private confirmed(): Promise<void> {
    return new Promise((resolve) => this.hub.later(resolve));
  }

  private disconnected(): void {
    this.state = 'cut';
    this.cutSince = new Date();
    this.cuts++;
    for (const consumer of this.consumers) consumer.cut();
    this.requests.interrupt();
  }

  private connected(): void {
    if (this.state !== 'cut') return;
    this.state = 'open';
    for (const consumer of this.consumers) consumer.attach();
  }
}
