import { randomUUID } from 'node:crypto';
import type { Recipient, WireMessage } from 'agentmq/protocol';
import {
  type BrokerFault,
  type BrokerStatus,
  type Consumer,
  type ConsumeOptions,
  type DeadLettered,
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
import { checkFlow, checkMessage } from '../checks.js';
import { Dispatcher } from '../consuming/dispatcher.js';
import { BrokerClosedError, BrokerUnavailableError, NoRecipientError } from '../errors.js';
import type { Keeper, Losable } from '../server/keeper.js';
import type { Reader } from '../server/reader.js';
import { laneOf } from '../lanes.js';
import { PendingRequests } from '../server/pending-requests.js';
import { type Link, ServerBroker } from '../server/server-broker.js';
import { Topology } from '../topology.js';
import { type RedisOptions, type RedisSettings, settingsOf } from './options.js';
import type { RedisOutgoing } from './publish/outgoing.js';
import { RedisPublisher } from './publish/publisher.js';
import { RedisConsumer } from './consume/redis-consumer.js';
import { RedisListener } from './consume/redis-listener.js';
import { PUBLISH, REBIND, REMOVE, SIZE } from './scripts/scripts.js';
import { loadRedis } from './connection/client.js';
import { prefixOf, type Session } from './connection/session.js';
import { sessionKeeper } from './connection/session-keeper.js';
import { DeadLetterSource, InboxSource, queueOf, type Source } from './consume/sources.js';
import { type Mendable, Tending } from './tending.js';
import { fromPayload, toFields, toPayload } from './wire.js';

type RedisReader = Reader<Losable> & Mendable & Pick<RedisConsumer<WireMessage>, 'wake'>;

/** The transport over Redis 7 or later: streams for inboxes, channels for answers and listeners, scripts for routing. */
export class RedisBroker extends ServerBroker<RedisSettings, RedisReader> {
  private readonly prefix: string;
  private readonly topology: Topology;
  private readonly sessions: Keeper<Session>;
  private readonly publisher: RedisPublisher;
  private readonly tending: Tending;
  private readonly requests = new PendingRequests<RedisOutgoing>();
  /** Part of the names of its holders and channels. */
  private readonly id = randomUUID();
  private readonly replyChannel = `reply.${this.id}`;
  private lastHolder = 0;

  /** Throws `BrokerOptionsError`. */
  constructor(options: RedisOptions) {
    super(settingsOf(options));
    this.prefix = prefixOf(this.settings.namespace);
    this.topology = new Topology(this.prefix.slice(0, -1));
    this.sessions = sessionKeeper(this.settings, {
      prepare: (session) => this.prepare(session),
      onOpen: () => this.publisher.opened(),
      onLost: () => {
        this.requests.interrupt();
        this.publisher.lost();
      },
    });
    this.publisher = new RedisPublisher(this.sessions, this.settings, this.blockage, (recipient) => {
      if (typeof recipient !== 'string' && this.isReadHere(recipient)) this.tending.soon();
    });
    this.tending = new Tending(this.sessions, () => this.readers, this.settings, this.remarks);
  }

  async consume(inbox: Inbox, options: ConsumeOptions, handler: IncomingHandler): Promise<InboxConsumer> {
    const { prefetch, concurrency } = checkFlow(options);
    const queue = queueOf(inbox.owner, this.topology, this.prefix);
    const source = new InboxSource(inbox, queue, prefetch, this.settings.agentInboxExpiresMs);
    const consumer = await this.read(source, new Dispatcher(concurrency, handler), options);
    const rebind = async (topics: Topics): Promise<void> => {
      source.setTopics(topics);
      const session = this.sessions.current;
      if (!session || !consumer.isFlowing) throw new BrokerUnavailableError('the broker is not connected');
      const bound = source.topics;
      await asked(session.run(REBIND, [queue, String(bound.length), ...bound, ...source.dropped]));
      source.isBound(bound);
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
    const source = new DeadLetterSource(prefetch, this.topology, this.prefix);
    return this.read(source, new Dispatcher(concurrency, handler));
  }

  async listen(topics: readonly string[], handler: (message: Incoming) => void): Promise<Consumer> {
    return this.begin(
      (onClose) => new RedisListener(this.sessions, topics, handler, this.settings, this.newHolder(), onClose),
    );
  }

  publish(publication: Publication): Promise<void> {
    return new Promise((resolve, reject) => {
      checkMessage(publication, this.settings.maxMessageBytes);
      this.send(publication, publication.recipient, publication.mandatory, resolve, reject);
    });
  }

  async request(publication: Publication, options: WireRequestOptions): Promise<WireMessage> {
    checkMessage(publication, this.settings.maxMessageBytes);
    if (this.closing) throw new BrokerClosedError();
    return this.requests.ask(publication, options, {
      replyTo: this.prefix + this.replyChannel,
      send: (request, published, fail) => this.send(request, publication.recipient, true, published, fail),
      withdraw: (outgoing) => this.publisher.withdraw(outgoing),
    });
  }

  async reply(replyTo: string, reply: WireMessage): Promise<void> {
    checkMessage(reply, this.settings.maxMessageBytes);
    if (this.publisher.closed) throw new BrokerClosedError();
    // Any other channel or name may be of another use.
    if (!replyTo.startsWith(`${this.prefix}reply.`)) throw new NoRecipientError(replyTo);
    const payload = toPayload({ to: '', properties: JSON.stringify(reply.properties), body: reply.body });
    await new Promise<void>((resolve, reject) => {
      const tell = (session: Session): Promise<unknown> => session.tell(replyTo, payload);
      this.publisher.send(tell, payload.length, true, replyTo, resolve, reject);
    });
  }

  async inboxSize(owner: Inbox['owner']): Promise<number | undefined> {
    const queue = queueOf(owner, this.topology, this.prefix);
    const size = Number(await asked(this.session().run(SIZE, [queue, String(this.settings.maxQueueSize)])));
    return size < 0 ? undefined : size;
  }

  /** Close a consumer of the inbox first: it would declare it again. Rejects with `BrokerUnavailableError` when not connected. */
  async deleteInbox(owner: Inbox['owner']): Promise<void> {
    await asked(this.session().run(REMOVE, [queueOf(owner, this.topology, this.prefix)]));
  }

  status(): BrokerStatus {
    const session = this.sessions.current;
    const readers = [...this.readers];
    const { blocked } = this.publisher;
    const isOpen = session !== undefined && !session.lost;
    const remarks = this.remarks.all();
    return {
      type: 'redis',
      connected: isOpen && readers.every(({ isFlowing }) => isFlowing),
      sends: isOpen && !blocked,
      blocked,
      ...(remarks.length > 0 ? { remarks } : {}),
    };
  }

  protected get isConnected(): boolean {
    return this.sessions.current !== undefined;
  }

  protected get links(): readonly Link[] {
    return [{ name: 'the connections', keeper: this.sessions }];
  }

  protected get unconfirmed(): number {
    return this.publisher.size;
  }

  /** An inbox and its bindings are one here: a reader that lost one of them reads no more, until it has made it again. */
  protected missing(): readonly BrokerFault[] {
    return [];
  }

  protected async connect(): Promise<Error | undefined> {
    // Here, since a session that can't be opened is tried again and again.
    await loadRedis();
    this.tending.start();
    return this.sessions.start();
  }

  protected async connected(): Promise<void> {
    await this.sessions.opened();
  }

  protected stopChores(): void {
    this.tending.stop();
  }

  protected async disconnect(timeoutMs: number): Promise<void> {
    this.publisher.stop();
    await this.publisher.drain(timeoutMs);
    this.requests.rejectAll(() => new BrokerClosedError());
    const session = this.sessions.stop();
    this.publisher.abandon();
    await session?.close();
  }

  private async prepare(session: Session): Promise<void> {
    await session.hear(this.replyChannel, (payload) => this.requests.answer(fromPayload(payload)));
    await session.hear(`wake.${this.id}`, (holder) => {
      for (const reader of this.readers) reader.wake(holder.toString());
    });
    await this.tending.inspect(session);
  }

  private send(
    message: WireMessage,
    recipient: Recipient,
    mandatory: boolean,
    resolve: () => void,
    reject: (error: Error) => void,
  ): RedisOutgoing {
    const { to, properties, body } = toFields(message, recipient);
    const isOne = recipient.kind === 'role' || recipient.kind === 'agent';
    const args = [
      isOne ? 'direct' : 'many',
      isOne ? to : recipient.name,
      laneOf(message.properties.priority) === 'high' ? '.high' : '',
      String(this.settings.maxQueueSize),
      String(message.properties.expiration ?? ''),
      to,
      properties,
      body,
    ];
    const publish = (session: Session): Promise<unknown> => session.publish(PUBLISH, args);
    return this.publisher.send(publish, body.length, mandatory, recipient, resolve, reject);
  }

  private async read<M extends WireMessage>(
    source: Source<M>,
    dispatcher: Dispatcher<M>,
    { paused = false, onCreated }: Pick<ConsumeOptions, 'paused' | 'onCreated'> = {},
  ): Promise<RedisConsumer<M>> {
    const { sessions, settings, remarks } = this;
    const newHolder = (): string => this.newHolder();
    return this.begin(
      (onClose) =>
        new RedisConsumer(sessions, source, dispatcher, settings, remarks, newHolder, onClose, paused, onCreated),
    );
  }

  private session(): Session {
    const session = this.sessions.current;
    if (session && !session.lost) return session;
    throw new BrokerUnavailableError('the broker is not connected');
  }

  private newHolder(): string {
    return `${this.id}:${++this.lastHolder}`;
  }

  private isReadHere({ kind, name }: Recipient): boolean {
    return this.isRead(`${kind}.${name}`);
  }
}

async function asked<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    throw new BrokerUnavailableError('the broker can not be asked', { cause: error });
  }
}
