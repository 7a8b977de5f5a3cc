import { AgentClient, type To, type TypedRequestOptions } from 'agentmq/agent';
import { MemoryHub } from 'agentmq/broker';
import { Coordinators } from 'agentmq/coordination';
import { Database } from 'agentmq/database';
import { Store, type StoredMessage } from 'agentmq/message-store';
import type { DurableSendOptions } from 'agentmq/messaging';
import { contractOf, type Envelope, type Message, type PayloadClass } from 'agentmq/protocol';
import { type DeadLetter, deadLettersOf } from './dead-letters.js';
import { NotQuietError, TestSystemError } from './errors.js';
import { envelopeOf, type Handled, Journal, type Sent, sentOf } from './journal.js';
import type { TestAppOptions, TestSystemOptions } from './options.js';
import { realNow, realPause, turn } from './real-time.js';
import { dueIn } from './rest-of-system.js';
import { migratedDatabase } from './snapshot.js';
import { TestApp, type World } from './test-app.js';
import { TestClock } from './test-clock.js';
import { TEST_NAMESPACE } from './test-settings.js';

/** How long `quiet` waits unless told: less than the five seconds that test runners give a test. */
const QUIET_WITHIN_MS = 4_000;
/** How often it looks. */
const LOOK_MS = 5;
/** So many turns of the event loop bring on what one piece of work hands to the next. */
const TURNS = 10;
const PAGE = 1_000;

/** A server of a system under test, which a test can take away from all apps, and bring back. Nothing in it is lost. */
export interface Outage {
  stop(): void;
  start(): void;
}

/**
 * Apps under test, with a message bus and a Postgres of their own, in memory: no server, no file, nothing shared with another
 * test. `close` it in the end.
 */
export class TestSystem {
  /**
   * The message bus. While it is stopped, messages that are stored wait for it, and others are refused with
   * `BrokerUnavailableError`. What was being handled when it stopped is delivered once more.
   */
  readonly broker: Outage;
  /** The apps' database. While it is stopped, they are refused with `StoreUnavailableError`. */
  readonly database: Outage;
  private readonly running: TestApp[] = [];
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly world: World,
    private readonly store: Store,
    private readonly tester: TestApp,
    private readonly clock: TestClock | undefined,
  ) {
    this.broker = world.hub;
    this.database = {
      stop: () => void (world.databaseIsAway = true),
      start: () => void (world.databaseIsAway = false),
    };
  }

  /**
   * Starts the apps. Resolves when their messages flow. Rejects with what prevents the start of one, with
   * `PackageMissingError` naming a package to install, and with `TestSystemError`.
   */
  static async create({ clock = false, ...options }: TestSystemOptions): Promise<TestSystem> {
    const testClock = clock ? await TestClock.install() : undefined;
    try {
      return await TestSystem.begin(options, testClock);
    } catch (error) {
      testClock?.uninstall();
      throw error;
    }
  }

  private static async begin(
    { apps = [], logger, settings, duplicates = false, ...first }: TestSystemOptions,
    clock: TestClock | undefined,
  ): Promise<TestSystem> {
    const database = await migratedDatabase(TEST_NAMESPACE);
    const world: World = {
      hub: new MemoryHub(),
      database,
      journal: new Journal(),
      logger,
      settings,
      duplicates,
      databaseIsAway: false,
    };
    const store = Store.over(Database.over(database.connections(), TEST_NAMESPACE));
    const tester = await TestApp.start(world, { id: 'test' }).catch(async (error: unknown) => {
      await database.close();
      throw error;
    });
    const system = new TestSystem(world, store, tester, clock);
    const isApp = [first.imports, first.controllers, first.providers].some((given) => given !== undefined);
    try {
      await Promise.all([...(isApp ? [first] : []), ...apps].map((app) => system.start(app)));
      return system;
    } catch (error) {
      await system.close();
      throw error;
    }
  }

  /** The apps that were started, in that order, but for those that are over. */
  get apps(): readonly TestApp[] {
    return this.running.filter(({ isOver }) => !isOver);
  }

  /** Starts one more app, or one more instance of one. Resolves when its messages flow. */
  async start(options: TestAppOptions): Promise<TestApp> {
    const app = await TestApp.start(this.world, options);
    this.running.push(app);
    return app;
  }

  /** A provider of the first app that has it. Throws {@link TestSystemError} when none has. */
  get<T>(token: Parameters<TestApp['get']>[0] & (abstract new (...given: never[]) => T)): T {
    const app = this.apps.find((each) => each.has(token as never));
    if (!app) throw new TestSystemError(`no app has a provider ${token.name}`);
    return app.get<T>(token);
  }

  /** Sends as `AgentClient.send` does, as a client with the id `test`. */
  send<P extends object>(
    to: To,
    contract: PayloadClass<P>,
    payload: P,
    options?: DurableSendOptions,
  ): Promise<Envelope> {
    return this.client.send(to, contract, payload, options);
  }

  publish<P extends object>(
    topic: string,
    contract: PayloadClass<P>,
    payload: P,
    options?: DurableSendOptions,
  ): Promise<Envelope> {
    return this.client.publish(topic, contract, payload, options);
  }

  broadcast<P extends object>(contract: PayloadClass<P>, payload: P, options?: DurableSendOptions): Promise<Envelope> {
    return this.client.broadcast(contract, payload, options);
  }

  /** Asks as `AgentClient.request` does, as a client with the id `test`. */
  request<P extends object, Answer extends object>(
    to: To,
    contract: PayloadClass<P>,
    payload: P,
    options: TypedRequestOptions<Answer> & { readonly answer: PayloadClass<Answer> },
  ): Promise<Answer>;
  request<P extends object>(
    to: To,
    contract: PayloadClass<P>,
    payload: P,
    options?: TypedRequestOptions<object>,
  ): Promise<unknown>;
  request<P extends object>(
    to: To,
    contract: PayloadClass<P>,
    payload: P,
    options?: TypedRequestOptions<object>,
  ): Promise<unknown> {
    return this.client.request(to, contract, payload, options);
  }

  /**
   * The messages of the contract that were sent, by the apps or by the test, in the order of their ids, which is that in which each
   * sender made them, delayed messages included. What was rolled back was not sent.
   */
  async sent<P extends object>(contract: PayloadClass<P>): Promise<Sent<P>[]> {
    const { type } = contractOf(contract);
    const stored = (await this.stored(type)).filter(({ received }) => !received).map(({ message }) => message);
    return inOrder([...stored, ...this.world.journal.transientOf(type)]).map((message) => sentOf(contract, message));
  }

  /** The messages of the contract that a handler has completed, with what it returned. */
  async handled<P extends object>(contract: PayloadClass<P>): Promise<Handled<P>[]> {
    const { type } = contractOf(contract);
    const completed = new Set<string>();
    for (const { message, deliveries } of await this.stored(type)) {
      for (const { consumer, state } of deliveries)
        if (state === 'completed') completed.add(`${message.messageId} ${consumer}`);
    }
    return this.world.journal
      .runsOf(type)
      .filter(({ message, consumer }) => message.transient || completed.has(`${message.messageId} ${consumer}`))
      .map(({ message, payload, ...rest }) => {
        const { agent, consumer, answer } = rest;
        return { ...envelopeOf(message), payload: payload as P, agent, consumer, answer };
      });
  }

  /** What could not be handled, and is not tried again, with the reasons. */
  deadLetters(): Promise<DeadLetter[]> {
    return deadLettersOf(this.store);
  }

  /**
   * Resolves when nothing is under way anywhere: nothing is being sent or handled, and nothing is due. What is due later, such
   * as a retry, and what waits for an agent that is not there, is left alone. Rejects with `NotQuietError`, which lists what is
   * still under way.
   */
  async quiet({ within = QUIET_WITHIN_MS }: { readonly within?: number } = {}): Promise<void> {
    const begun = realNow();
    for (let quietLooks = 0; quietLooks < 2;) {
      const underWay = await this.underWay();
      if (underWay.length === 0) quietLooks++;
      else if (realNow() - begun >= within) throw new NotQuietError(within, underWay);
      else quietLooks = 0;
      if (quietLooks === 0) await realPause(LOOK_MS);
      else for (let n = 0; n < TURNS; n++) await turn();
    }
  }

  /**
   * Lets so many ms pass, in a system that was created with `clock: true`: retries, delays, lifetimes, leases and elections come
   * at their times, and what each sets off at the bus and the database is done before the time goes on. What a handler waits for
   * elsewhere, such as a server's answer, is not waited for. Throws what a timer throws, and {@link TestSystemError}.
   */
  async advance(ms: number): Promise<void> {
    if (!this.clock) throw new TestSystemError('advance needs TestSystem.create({ clock: true })');
    await this.clock.advance(ms, () => this.settled());
  }

  /** Stops all apps, the last started first, and forgets all data. Safe to call twice. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private get client(): AgentClient {
    return this.tester.get(AgentClient);
  }

  /** Resolves when no statement runs and nothing has handed work to the next turn of the event loop. */
  private async settled(): Promise<void> {
    for (let turns = 0; turns < TURNS; turns++) {
      await turn();
      if (this.world.database.executing > 0) turns = -1;
    }
  }

  private async underWay(): Promise<string[]> {
    const { database } = this.world;
    const apps = [this.tester, ...this.running];
    const doing = apps.flatMap((app) => app.underWay());
    const statements = await database.underWay();
    if (statements > 0) doing.push(`${statements} statements at the database`);
    const live = apps.filter(({ isOver }) => !isOver);
    const dispatches = live.some((app) => app.has(Coordinators));
    return [
      ...doing,
      ...(await dueIn(
        this.store.database,
        live.map(({ id }) => id),
        dispatches,
      )),
    ];
  }

  private async stored(type: string): Promise<StoredMessage[]> {
    const found: StoredMessage[] = [];
    for (;;) {
      const last = found.at(-1)?.message.messageId;
      const page = await this.store.history.list({ type, limit: PAGE, ...(last === undefined ? {} : { after: last }) });
      found.push(...page);
      if (page.length < PAGE) return found;
    }
  }

  private async end(): Promise<void> {
    try {
      for (const app of [this.tester, ...this.running].reverse()) await app.stop();
      await this.store.database.close();
      await this.world.database.close();
    } finally {
      this.clock?.uninstall();
    }
  }
}

const inOrder = (messages: readonly Message[]): Message[] =>
  [...messages].sort((a, b) => (a.messageId < b.messageId ? -1 : 1));
