import { randomUUID } from 'node:crypto';
import type { Recipient, WireMessage } from 'agentmq/protocol';
import {
  Broker,
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
  type RequestOptions,
  type Topics,
} from '../broker.js';
import { checkFlow, checkMessage } from '../checks.js';
import { Dispatcher } from '../dispatcher.js';
import { BrokerClosedError, BrokerUnavailableError, NoRecipientError } from '../errors.js';
import type { Keeper } from '../keeper.js';
import { laneOf } from '../lanes.js';
import { PendingRequests } from '../pending-requests.js';
import { Remarks } from '../remarks.js';
import { Topology } from '../topology.js';
import { type RedisOptions, type RedisSettings, settingsOf } from './options.js';
import { Outgoing } from './outgoing.js';
import { Publisher } from './publisher.js';
import { type AnyRedisConsumer, RedisConsumer } from './redis-consumer.js';
import { RedisListener } from './redis-listener.js';
import { PUBLISH, REBIND, REMOVE, SIZE } from './scripts.js';
import { prefixOf, type Session } from './session.js';
import { sessionKeeper } from './session-keeper.js';
import { DeadLetterSource, InboxSource, queueOf, type Source } from './sources.js';
import { Tending } from './tending.js';
import { fromPayload, toFields, toPayload } from './wire.js';

/** The transport over Redis 7 or later: streams for inboxes, channels for answers and listeners, scripts for routing. */
export class RedisBroker extends Broker {
  readonly features: Features = { priority: true, queueLimit: true, survivesRestart: true, ttl: true };

  private readonly settings: RedisSettings;
  private readonly prefix: string;
  private readonly topology: Topology;
  private readonly remarks: Remarks;
  private readonly sessions: Keeper<Session>;
  private readonly publisher: Publisher;
  private readonly tending: Tending;
  private readonly requests = new PendingRequests();
  private readonly consumers = new Set<AnyRedisConsumer>();
  /** Part of the names of its holders and channels. */
  private readonly id = randomUUID();
  private readonly replyChannel = `reply.${this.id}`;
  private lastHolder = 0;
  private starting: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  /** Throws `BrokerOptionsError`. */
  constructor(options: RedisOptions) {
    super();
    this.settings = settingsOf(options);
    this.prefix = prefixOf(this.settings.namespace);
    this.topology = new Topology(this.prefix.slice(0, -1));
    this.remarks = new Remarks(this.settings.remark);
    this.sessions = sessionKeeper(this.settings, {
      prepare: (session) => this.prepare(session),
      onOpen: () => this.publisher.opened(),
      onLost: () => {
        this.requests.interrupt();
        this.publisher.lost();
      },
    });
    this.publisher = new Publisher(this.sessions, this.settings, (recipient) => {
      if (typeof recipient !== 'string' && this.isReadHere(recipient)) this.tending.soon();
    });
    this.tending = new Tending(this.sessions, () => this.consumers, this.settings, this.remarks);
  }

  start(): Promise<void> {
    if (this.closing) return Promise.reject(new BrokerClosedError());
    this.starting ??= this.open();
    return this.starting;
  }

  async consume(inbox: Inbox, options: ConsumeOptions, handler: IncomingHandler): Promise<InboxConsumer> {
    const { prefetch, concurrency } = checkFlow(options);
    const queue = queueOf(inbox.owner, this.topology, this.prefix);
    const source = new InboxSource(inbox, queue, prefetch, this.settings.agentInboxExpiresMs);
    const consumer = await this.read(source, new Dispatcher(concurrency, handler), options.onCreated);
    const rebind = async (topics: Topics): Promise<void> => {
      source.setTopics(topics);
      const session = this.sessions.current;
      if (!session || !consumer.isFlowing) throw new BrokerUnavailableError('the broker is not connected');
      const bound = source.topics;
      await asked(session.run(REBIND, [queue, String(bound.length), ...bound, ...source.dropped]));
      source.isBound(bound);
    };
    return { close: (timeoutMs) => consumer.close(timeoutMs), rebind };
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

  async request(publication: Publication, options: RequestOptions): Promise<WireMessage> {
    checkMessage(publication, this.settings.maxMessageBytes);
    if (this.closing) throw new BrokerClosedError();
    const { recipient, body } = publication;
    const correlationId = publication.properties.correlationId ?? randomUUID();
    const properties = { ...publication.properties, correlationId, replyTo: this.prefix + this.replyChannel };
    const published = options.onPublished ?? (() => undefined);
    let outgoing: Outgoing | undefined;
    return this.requests.ask(recipient, correlationId, options, {
      send: (fail) => (outgoing = this.send({ body, properties }, recipient, true, published, fail)),
      isSent: () => outgoing?.sent ?? false,
      withdraw: () => outgoing && this.publisher.withdraw(outgoing),
    });
  }

  async reply(replyTo: string, reply: WireMessage): Promise<void> {
    checkMessage(reply, this.settings.maxMessageBytes);
    if (this.publisher.closed) throw new BrokerClosedError();
    // Any other channel or name may be of another use.
    if (!replyTo.startsWith(`${this.prefix}reply.`)) throw new NoRecipientError(replyTo);
    const payload = toPayload({ to: '', properties: JSON.stringify(reply.properties), body: reply.body });
    await new Promise<void>((resolve, reject) => {
      this.post((session) => session.tell(replyTo, payload), payload.length, true, replyTo, resolve, reject);
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
    const consumers = [...this.consumers];
    const remarks = [...this.remarks.all(), ...consumers.flatMap(({ problem }) => problem ?? [])];
    return {
      type: 'redis',
      connected: session !== undefined && !session.lost && consumers.every(({ isFlowing }) => isFlowing),
      blocked: this.publisher.blocked,
      ...(remarks.length > 0 ? { remarks } : {}),
      ...(consumers.some(({ problem }) => problem !== undefined) ? { impaired: true } : {}),
    };
  }

  close(timeoutMs = 10_000): Promise<void> {
    this.closing ??= this.shut(timeoutMs);
    return this.closing;
  }

  private async open(): Promise<void> {
    const { start } = this.settings;
    const firstTry = this.sessions.start();
    this.tending.start();
    try {
      const failure = await firstTry;
      if (failure && start === 'fail') throw failure;
      if (failure && start === 'degraded') return;
      await this.sessions.opened();
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  /** Handlers that are let end can still publish and answer; then only what was published is waited for. */
  private async shut(timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs;
    this.tending.stop();
    await Promise.all([...this.consumers].map((consumer) => consumer.close(timeoutMs)));
    this.publisher.stop();
    await this.publisher.drain(Math.max(0, end - Date.now()));
    this.requests.rejectAll(() => new BrokerClosedError());
    const session = this.sessions.stop();
    this.publisher.abandon();
    await session?.close();
  }

  private async prepare(session: Session): Promise<void> {
    await session.hear(this.replyChannel, (payload) => this.requests.answer(fromPayload(payload)));
    await session.hear(`wake.${this.id}`, (holder) => {
      for (const consumer of this.consumers) consumer.wake(holder.toString());
    });
    await this.tending.inspect(session);
  }

  private send(
    message: WireMessage,
    recipient: Recipient,
    mandatory: boolean,
    resolve: () => void,
    reject: (error: Error) => void,
  ): Outgoing {
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
    return this.post((session) => session.publish(PUBLISH, args), body.length, mandatory, recipient, resolve, reject);
  }

  private post(
    send: (session: Session) => Promise<unknown>,
    bytes: number,
    mandatory: boolean,
    recipient: Recipient | string,
    resolve: () => void,
    reject: (error: Error) => void,
  ): Outgoing {
    const deadline = Date.now() + this.settings.publishTimeoutMs;
    const outgoing = new Outgoing(send, bytes, mandatory, recipient, deadline, resolve, reject);
    this.publisher.send(outgoing);
    return outgoing;
  }

  private async read<M extends WireMessage>(
    source: Source<M>,
    dispatcher: Dispatcher<M>,
    onCreated?: () => void,
  ): Promise<AnyRedisConsumer> {
    const { sessions, settings, remarks } = this;
    const newHolder = (): string => this.newHolder();
    return this.begin(
      (onClose) => new RedisConsumer(sessions, source, dispatcher, settings, remarks, newHolder, onClose, onCreated),
    );
  }

  private async begin<C extends AnyRedisConsumer>(make: (onClose: () => void) => C): Promise<C> {
    if (this.closing) throw new BrokerClosedError();
    const consumer = make(() => void this.consumers.delete(consumer));
    this.consumers.add(consumer);
    consumer.start();
    const flowing = consumer.flowing().catch(async (error: unknown) => {
      await consumer.close(0);
      throw error;
    });
    if (this.settings.start === 'degraded' && !this.sessions.current) flowing.catch(() => undefined);
    else await flowing;
    return consumer;
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
    return [...this.consumers].some(
      (consumer) => consumer instanceof RedisConsumer && consumer.source.queue === `${kind}.${name}`,
    );
  }
}

async function asked<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    throw new BrokerUnavailableError('the broker can not be asked', { cause: error });
  }
}
