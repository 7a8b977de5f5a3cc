import { AsyncResource } from 'node:async_hooks';
import { Injectable, Logger } from '@nestjs/common';
import { Broker } from 'agentmq/broker';
import {
  AgentDeregistered,
  AgentHeartbeat,
  AgentRegistered,
  AgentUpdated,
  HEARTBEAT_TOPIC,
  MAX_CAPABILITIES,
  MAX_CIRCUITS,
} from '../messages/registry.js';
import {
  checkName,
  contractOf,
  errorText,
  InvalidMessageError,
  type PayloadClass,
  toEveryone,
  toTopic,
} from 'agentmq/protocol';
import { type AgentCircuit, type AgentSnapshot, type HandledContract, AgentStore } from 'agentmq/message-store';
import { type Handler, MessageBus, untraced } from 'agentmq/messaging';
import pLimit from 'p-limit';
import { type Observable, Subject } from 'rxjs';
import { HeartbeatUnconfirmedError, NotAnAgentError } from '../errors.js';
import { AgentIdentity } from '../identity.js';
import { AgentSettings } from '../settings/settings.js';
import type { RegisteredAgent } from './agent-health.js';
import { type AgentQuery, select } from './agent-query.js';
import { Clearness } from './clearness.js';
import { GuardedEvents } from './guarded-events.js';
import { keepReading } from './keep-reading.js';
import { type RegistryEvent, RegistryView } from './registry-view.js';
import { Throttle } from './throttle.js';
import { type RegistryTimes, registryTimes } from './times.js';

/** From one announcement of changed circuits to the next, at least. */
const ANNOUNCEMENT_GAP_MS = 1_000;
/** From one reading of agents that were announced to the next, at least. */
const READING_GAP_MS = 200;
/** From one reading of a client to the next, at most: it is told nothing. */
const CLIENT_READING_MS = 2_000;
/** When more agents than this are announced between two readings, all are read. */
const MOST_NAMED = 500;

/**
 * All agents, as this one knows them: kept in Postgres, read at the start, as far as they have changed with every heartbeat of
 * this agent, and, as far as they announce that, in between. An announcement only says what to read, since any process can send one.
 * Each process judges by itself which agents are silent.
 */
@Injectable()
export class AgentRegistry {
  /**
   * What changes among the agents, this one included, from the moment of subscribing on; never ends. Emitted one after
   * the other, in no message's flow. What an observer throws is logged.
   */
  readonly events: Observable<RegistryEvent>;
  private readonly logger = new Logger('AgentRegistry');
  private readonly emitted = new Subject<RegistryEvent>();
  private readonly apart = new AsyncResource('agentmq:registry');
  private readonly times: RegistryTimes;
  private readonly view: RegistryView;
  private readonly clearness: Clearness;
  private readonly inTurn = pLimit(1);
  private readonly capabilities: Set<string>;
  private readonly announcements: Throttle;
  /** Readings are taken in one after the other, so that a later one is of a later moment. */
  private readonly reading = pLimit(1);
  private readonly hints: Throttle;
  /** What was read last, and when all are read again. */
  private position = '';
  private allAt = 0;
  private readonly named = new Set<string>();
  private circuits: () => readonly AgentCircuit[] = () => [];
  private state: 'new' | 'registered' | 'left' = 'new';
  private version = '';
  private handles: readonly HandledContract[] = [];
  private sequence = 0;
  /** When a heartbeat with its reading, of a client a reading, last succeeded: `performance.now()`. */
  private freshAt: number | undefined;
  private lastError: string | undefined;

  constructor(
    private readonly settings: AgentSettings,
    private readonly identity: AgentIdentity,
    private readonly record: AgentStore,
    private readonly bus: MessageBus,
    private readonly broker: Broker,
  ) {
    this.times = registryTimes(settings.registry);
    this.view = new RegistryView(this.times);
    this.clearness = new Clearness(this.times);
    this.capabilities = new Set(identity.capabilities);
    this.announcements = new Throttle(Math.min(ANNOUNCEMENT_GAP_MS, this.times.heartbeatInterval), () =>
      this.announce(),
    );
    this.hints = new Throttle(READING_GAP_MS, () => this.readNamed());
    this.events = new GuardedEvents(
      (subscriber) => this.emitted.subscribe(subscriber),
      (error) => this.logger.error(error),
    );
  }

  /** Agents that match, by load and then id. No round trip. */
  find(query: AgentQuery = {}): RegisteredAgent[] {
    return select(this.view.agents, query);
  }

  /**
   * Whether this process may give up others for their silence: its own heartbeats have succeeded without a gap, for as
   * long as agents that were cut off at the same time need to come back.
   */
  get isClear(): boolean {
    return this.clearness.isClear(performance.now());
  }

  /**
   * Set while others find this agent silent, and it does not know how they are: no heartbeat of its own (of a client: no reading) has
   * succeeded for as long as makes an agent suspect. Since when, and why.
   */
  get staleness(): { readonly since: Date; readonly reason: string } | undefined {
    if (this.freshAt === undefined || this.state === 'left') return undefined;
    const silentMs = performance.now() - this.freshAt;
    if (silentMs <= this.times.suspectAfter) return undefined;
    const reason = this.identity.isClient ? 'the agents could not be read' : 'no heartbeat has got through';
    return { since: new Date(Date.now() - silentMs), reason: this.lastError ? `${reason}: ${this.lastError}` : reason };
  }

  /** Of this agent: 0 idle to 1 full. */
  get load(): number {
    return Math.min(1, this.bus.inFlight / this.identity.concurrency);
  }

  /**
   * From now on this agent says that it can do this too. Resolves when the others have been told; while the database or
   * the broker is away, when that has failed: they then learn it from its next heartbeat. Rejects with
   * `InvalidMessageError` for a name that no agent may declare, or one too many, and with {@link NotAnAgentError} in a client.
   */
  async addCapability(name: string): Promise<void> {
    checkName('capability', name);
    if (this.identity.isClient) throw new NotAnAgentError(`the capability "${name}"`);
    if (this.capabilities.has(name)) return;
    if (this.capabilities.size >= MAX_CAPABILITIES) {
      throw new InvalidMessageError('capability', `"${name}" would be one more than ${MAX_CAPABILITIES}`);
    }
    this.capabilities.add(name);
    await this.announce();
  }

  /** From now on this agent no longer says that it can do this. Resolves as {@link addCapability} does. */
  async removeCapability(name: string): Promise<void> {
    if (this.capabilities.delete(name)) await this.announce();
  }

  /**
   * From now on this agent tells, with each of its heartbeats, of the circuits that `report` answers. The answer is to be
   * called when they have changed: the others are then told soon, at most once a second.
   */
  reportCircuits(report: () => readonly AgentCircuit[]): () => void {
    this.circuits = report;
    return () => this.announcements.due();
  }

  /**
   * Has the record of an agent read soon, because something else was heard of it than `find` shows. However often this is
   * called, and for whatever ids, little is read.
   */
  lookAgain(id: string): void {
    // what is told before this agent registers is read then
    if (this.state !== 'registered') return;
    if (this.named.size <= MOST_NAMED) this.named.add(id);
    this.hints.due();
  }

  /**
   * For a client: reads which agents are there, now and, until `signal` aborts, every 2 s, or with every heartbeat interval if
   * that is shorter. It judges the silence of others only while it reaches the broker too. Rejects as the first reading does.
   */
  async watch(signal: AbortSignal): Promise<void> {
    const read = () => this.read(this.broker.status().connected);
    await read();
    void keepReading(read, Math.min(CLIENT_READING_MS, this.times.heartbeatInterval), this.logger, signal);
  }

  /**
   * Writes this agent down, reads which agents are there, and tells them. The types of tasks that it carries out are
   * capabilities of it. Rejects with `StoreUnavailableError`.
   */
  async register(version: string, handles: readonly HandledContract[]): Promise<void> {
    this.version = version;
    this.handles = handles;
    for (const { type, task } of handles) if (task) this.capabilities.add(type);
    await this.inTurn(() => this.enter());
  }

  /**
   * Says that this agent is alive: on the bus, and once the broker has confirmed that, in the store; and reads how the
   * others are, which it also tries if that failed. Registers again if it was forgotten. Resolves with whether this
   * instance still speaks for its id: false when another has taken it. Rejects with {@link HeartbeatUnconfirmedError},
   * or as `MessageBus.send` and the store do.
   */
  heartbeat(): Promise<boolean> {
    return this.inTurn(() => this.beat());
  }

  /** Crosses this agent out and tells the others. */
  async deregister(): Promise<void> {
    const { id, instance } = this.identity;
    this.state = 'left';
    this.announcements.stop();
    this.hints.stop();
    await this.record.deregister({ id, instance });
    await this.tell(AgentDeregistered, { id, instance });
  }

  /** Announcements of agents: the record of each is read before the next heartbeat. */
  handlers(): Handler[] {
    return [AgentRegistered, AgentUpdated, AgentDeregistered].map((payload) => ({
      contract: contractOf<{ readonly id: string }>(payload),
      handle: (event) => this.lookAgain((event as { readonly id: string }).id),
    }));
  }

  private async enter(): Promise<void> {
    const { id, roles, instance, concurrency } = this.identity;
    const [role = id] = roles;
    const agent = {
      id,
      role,
      roles: [...roles],
      instance,
      capabilities: [...this.capabilities],
      version: this.version,
      concurrency,
    };
    const { incarnation, registeredAt } = await this.record.register({
      ...agent,
      handles: this.handles,
      ephemeral: this.settings.ephemeral,
    });
    this.sequence = 0;
    if (this.state === 'new') this.state = 'registered';
    await this.read(true);
    // Other agents read it from the store too: a broker that is away must not hold up the start.
    this.tell(AgentRegistered, { ...agent, incarnation, registeredAt: registeredAt.toISOString() }).catch(
      (error: unknown) => this.logger.warn(`not all were told of this agent: ${errorText(error)}`),
    );
  }

  private async beat(): Promise<boolean> {
    const { id, instance, concurrency } = this.identity;
    const heartbeat = {
      id,
      instance,
      sequence: ++this.sequence,
      capabilities: [...this.capabilities],
      version: this.version,
      load: this.load,
      inFlight: this.bus.inFlight,
      concurrency,
      circuits: this.circuits().slice(0, MAX_CIRCUITS),
    };
    const outcome = await this.publish(heartbeat)
      .then(() => this.record.heartbeat(heartbeat))
      .catch(async (error: unknown) => {
        this.lastError = errorText(error);
        await this.read(false).catch(() => undefined);
        throw error;
      });
    if (outcome === 'unknown' && this.state === 'registered') {
      // Given up after a long silence, it was owed nothing more.
      await this.bus.subscribeAgain();
      await this.enter();
    } else await this.read(outcome === 'recorded');
    return outcome !== 'replaced';
  }

  private async publish(heartbeat: AgentHeartbeat): Promise<void> {
    const { heartbeatInterval, confirmWithin } = this.times;
    const ttl = { ttl: heartbeatInterval };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new HeartbeatUnconfirmedError(confirmWithin)), confirmWithin);
    });
    const sent = untraced(() => this.bus.send(toTopic(HEARTBEAT_TOPIC), contractOf(AgentHeartbeat), heartbeat, ttl));
    await Promise.race([sent, late]).finally(() => clearTimeout(timer));
  }

  /**
   * Reads how the others are; `beaten`: after a heartbeat of this agent's own that succeeded. It reads what has changed and
   * which agents are silent, so the heartbeats of a quiet system read next to nothing. Now and then it reads all: a row can
   * have been deleted, or changed by an agent of an older version, which does not note that.
   */
  private async read(beaten: boolean): Promise<void> {
    if (!beaten) this.clearness.failed();
    await this.reading(async () => {
      try {
        const all = performance.now() >= this.allAt;
        const ids = all ? undefined : [this.identity.id, ...this.view.doubted];
        const changed = { since: this.position, silentMs: this.times.suspectAfter };
        const snapshot = all ? await this.record.read() : await this.record.read(ids, changed);
        if (all) this.allAt = performance.now() + this.times.readAllAfter;
        this.position = snapshot.position;
        if (beaten || this.identity.isClient) {
          this.freshAt = performance.now();
          this.lastError = undefined;
        }
        if (beaten) this.clearness.succeeded(performance.now(), snapshot.now);
        this.emit(this.view.read(snapshot, this.isClear, ids));
        if (beaten && this.isClear && !this.identity.isClient) await this.endGone(snapshot);
      } catch (error) {
        this.lastError = errorText(error);
        this.clearness.failed();
        throw error;
      }
    });
  }

  /** Ids that are made up anew at every start are owed nothing once their agent is gone. */
  private async endGone({ now, agents }: AgentSnapshot): Promise<void> {
    const { endedAfter } = this.times;
    if (agents.every(({ heartbeatAt }) => now.getTime() - heartbeatAt.getTime() < endedAfter)) return;
    for (const id of await this.record.end(endedAfter))
      this.logger.log(`${id} is gone for good: what it was owed has expired`);
  }

  private async readNamed(): Promise<void> {
    try {
      await this.reading(async () => {
        if (this.named.size === 0) return;
        const ids = this.named.size > MOST_NAMED ? undefined : [...this.named];
        this.named.clear();
        this.emit(this.view.read(await this.record.read(ids), this.isClear, ids));
      });
    } catch (error) {
      this.logger.debug(`agents that were announced are not known before the next heartbeat: ${errorText(error)}`);
    }
  }

  /** A heartbeat, and a broadcast for agents whose own heartbeat is not due yet. */
  private async announce(): Promise<void> {
    if (this.state !== 'registered') return;
    const { id, instance } = this.identity;
    try {
      await this.heartbeat();
      const circuits = this.circuits().slice(0, MAX_CIRCUITS);
      const said = { capabilities: [...this.capabilities], circuits };
      await this.tell(AgentUpdated, { id, instance, sequence: this.sequence, ...said });
    } catch (error) {
      this.logger.warn(`not all were told what this agent can do, or of its circuits: ${errorText(error)}`);
    }
  }

  private emit(events: readonly RegistryEvent[]): void {
    this.apart.runInAsyncScope(() => {
      for (const event of events) this.emitted.next(event);
    });
  }

  private async tell<P extends object>(contract: PayloadClass<P>, payload: P): Promise<void> {
    // An agent that is away for longer reads it when it is back.
    await untraced(() => this.bus.send(toEveryone, contractOf(contract), payload, { ttl: this.times.deadAfter }));
  }
}
