import { Injectable } from '@nestjs/common';
import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { Broker } from 'agentmq/broker';
import {
  type ContractDefinition,
  ContractCatalogue,
  contractKey,
  errorText,
  formatRecipient,
  toAgent,
} from 'agentmq/protocol';
import { SubscriptionStore } from 'agentmq/message-store';
import { MessageBus, NoSealingKeysError, Sealer } from 'agentmq/messaging';
import { within } from 'agentmq/time';
import { AgentDeclarationError, AgentReplacedError } from './errors.js';
import { checkAgreement } from './handler-options.js';
import { AgentIdentity } from './identity.js';
import type { Intake } from './intake.js';
import { type AgentHandler, agentHandlers, contractsHandledBy } from './pipeline/agent-handlers.js';
import { MessagePipeline } from './pipeline/message-pipeline.js';
import { AgentPauses } from './pauses/agent-pauses.js';
import { AgentRegistry } from './registry/agent-registry.js';
import { sendHeartbeats } from './registry/heartbeats.js';
import { registryTimes } from './registry/times.js';
import { AgentSettings } from './settings/settings.js';
import { Startup } from './start/startup.js';
import { Vitals } from './vitals.js';

/**
 * Serves `@Handle` and `@Subscribe` through Nest's pipeline: the guards, pipes, interceptors and filters of an agent's class
 * and methods apply; what is global in the app does not.
 */
@Injectable()
export class AgentServer extends Server implements CustomTransportStrategy {
  override readonly transportId = Symbol('agentmq');

  private opened: Promise<void> | undefined;
  private begun = false;
  private closed: Promise<void> | undefined;
  private isListening = false;
  private readonly intakes: Intake[] = [];
  private handled = new ContractCatalogue([]);

  constructor(
    private readonly settings: AgentSettings,
    private readonly identity: AgentIdentity,
    private readonly broker: Broker,
    private readonly subscriptions: SubscriptionStore,
    private readonly bus: MessageBus,
    private readonly registry: AgentRegistry,
    private readonly pipeline: MessagePipeline,
    private readonly startup: Startup,
    private readonly vitals: Vitals,
    private readonly sealer: Sealer,
    private readonly pauses: AgentPauses,
  ) {
    super();
  }

  /** The contracts that this agent handles; empty until it listens, and of a client. */
  get contracts(): ContractDefinition[] {
    return this.handled.all();
  }

  /** True from when messages flow until the agent stops. */
  get isReady(): boolean {
    return this.isListening && !this.startup.stopped.aborted;
  }

  /** True from when Nest has started the microservice, whether or not messages flow. */
  get hasBegun(): boolean {
    return this.begun;
  }

  /** True from when the agent was told to stop. */
  get isClosing(): boolean {
    return this.startup.stopped.aborted;
  }

  /** Aborted when the agent is told to stop: what a listener sends then and there still goes out. */
  get stopping(): AbortSignal {
    return this.startup.stopped;
  }

  /** 0 idle to 1 full. */
  get load(): number {
    return this.registry.load;
  }

  /** Opens the intake when the agent listens, and closes it when the agent stops. */
  addIntake(intake: Intake): void {
    this.intakes.push(intake);
  }

  /**
   * For an app without `@Agent`, also one that does not connect this server: opens store and broker, and looks which agents are
   * there, once. Rejects with what prevents it; throws {@link AgentDeclarationError} for handlers of no agent.
   */
  connect(): Promise<void> {
    if (this.opened) return this.opened;
    this.handlers();
    this.opened = this.openClient();
    return this.opened;
  }

  /** Opens store and broker, declares the inboxes, registers, and calls back once messages flow, or with what went wrong. */
  override async listen(callback: (error?: unknown) => void): Promise<void> {
    const patient = this.settings.start !== 'degraded';
    let handlers: AgentHandler[];
    try {
      if (this.begun) throw new AgentDeclarationError('the agent listens already: its microservice was started twice');
      this.begun = true;
      handlers = this.handlers();
      await this.checkSealing();
    } catch (error) {
      callback(error);
      return;
    }
    if (!patient) callback();
    try {
      await (this.identity.isClient ? this.connect() : this.open(handlers));
    } catch (error) {
      // Told to stop while it waited for a server: that is no failure.
      if (!this.isClosing) {
        if (patient) return callback(error);
        this.logger.error(error);
      }
    }
    if (patient) callback();
  }

  /** Finishes or gives back what is being handled, leaves the registry, and disconnects. Safe to call twice. */
  override close(): Promise<void> {
    this.closed ??= this.shut();
    return this.closed;
  }

  /** Nest calls it for methods that any transport may serve (`@MessagePattern`, `@EventPattern`): another one of the app's does. */
  override addHandler(): void {}

  override on(): void {
    throw new Error('the agent transport has no events; see AgentServer.isReady and /health');
  }

  /** The message bus that serves this agent. */
  override unwrap<T = MessageBus>(): T {
    return this.bus as T;
  }

  /** What is sensitive is handled by no process without keys, unless it is told that it goes in clear. */
  private async checkSealing(): Promise<void> {
    const { mode } = this.sealer;
    if (mode !== 'on') this.logger.warn(`SEALING=${mode}: ${IN_CLEAR[mode]}`);
    const sensitive = this.handled.all().find((contract) => contract.sensitive);
    if (!sensitive || mode === 'off') return;
    await this.sealer.ready().catch((error: unknown) => {
      throw error instanceof NoSealingKeysError ? new NoSealingKeysError(contractKey(sensitive)) : error;
    });
  }

  private async open(handlers: readonly AgentHandler[]): Promise<void> {
    await this.startup.listen();
    await this.startup.patiently(() => this.pauses.read());
    const { id, roles, concurrency, prefetch } = this.identity;
    // The roles' first: what other instances of them pass on comes to the agent's own inbox, and is handled as the role's.
    for (const role of roles) {
      await this.bus.subscribe({
        owner: { kind: 'role', name: role },
        handlers: handlers.filter(({ scope, roles: its }) => scope !== 'instance' && its.includes(role)),
        ...this.identity.flowOf(role),
      });
    }
    const probed = this.vitals.handler();
    await this.bus.subscribe({
      owner: { kind: 'agent', name: id },
      handlers: [...this.registry.handlers(), probed, ...handlers.filter(({ scope }) => scope !== 'role')],
      concurrency,
      prefetch,
    });
    await this.vitals.listen();
    await this.pauses.listen();
    for (const intake of this.intakes) await this.startup.patiently(() => intake.open(handlers));
    // A monitor probes the agents that say that they answer.
    const handled = [...handlers, probed].flatMap((handler) => contractsHandledBy(handler, roles));
    await this.startup.patiently(() => this.registry.register(AGENT_VERSION, handled));
    void this.bus.handlersChanged();
    // told to stop meanwhile, when there was nothing to leave yet
    if (this.isClosing) return this.leave();
    void this.beat();
    this.isListening = true;
    this.logger.log(`${id} is listening as ${roles.join(', ')}`);
  }

  private async openClient(): Promise<void> {
    await this.startup.connect();
    for (const intake of this.intakes) await this.startup.patiently(() => intake.open([]));
    await this.startup.patiently(() => this.registry.watch(this.startup.stopped));
    if (this.isClosing) return;
    this.isListening = true;
    this.logger.log(`${this.identity.id} is connected`);
  }

  private async shut(): Promise<void> {
    this.startup.stop();
    this.pauses.stop();
    // Intake stops at once; other agents are told meanwhile.
    await Promise.all([
      this.stopWork(),
      within(LEAVE_TIMEOUT_MS, this.isRegistered ? this.leave() : Promise.resolve()),
    ]);
    await this.bus.stop(LEAVE_TIMEOUT_MS);
    if (this.settings.ephemeral && this.isRegistered) {
      await within(LEAVE_TIMEOUT_MS, Promise.all([this.unsubscribe(), this.removeInbox()]));
    }
    await this.broker.close(1_000);
  }

  /** Finishes, or gives back, what is being done. */
  private async stopWork(): Promise<void> {
    const { shutdownTimeout } = this.settings;
    await Promise.all([
      this.bus.stopReceiving(shutdownTimeout),
      ...this.intakes.splice(0).map((intake) => intake.close?.(shutdownTimeout)),
    ]);
  }

  private get isRegistered(): boolean {
    return this.isListening && !this.identity.isClient;
  }

  private async leave(): Promise<void> {
    await this.registry.deregister().catch((error: unknown) => this.logger.warn(`deregister: ${String(error)}`));
    await this.bus.handlersChanged();
  }

  /** An id that never comes back is owed nothing more. */
  private async unsubscribe(): Promise<void> {
    await this.subscriptions
      .unsubscribe(formatRecipient(toAgent(this.identity.id)))
      .catch((error: unknown) => this.logger.warn(`unsubscribe: ${String(error)}`));
  }

  /** The inbox of an id that never comes back goes too, unless a message is still in it. */
  private async removeInbox(): Promise<void> {
    const owner = { ...toAgent(this.identity.id), kind: 'agent' } as const;
    try {
      if ((await this.broker.inboxSize(owner)) === 0) await this.broker.deleteInbox(owner);
    } catch (error) {
      this.logger.warn(`removing the inbox: ${String(error)}`);
    }
  }

  private handlers(): AgentHandler[] {
    const declared = agentHandlers(this.pipeline.handlers(), this.identity.roles);
    checkAgreement(declared);
    this.handled = new ContractCatalogue(declared.map(({ contract }) => contract.payload));
    return declared;
  }

  private async beat(): Promise<void> {
    const { registry, pauses, logger } = this;
    const times = registryTimes(this.settings.registry);
    if (!(await sendHeartbeats({ registry, pauses }, times, logger, this.startup.stopped))) return;
    this.isListening = false;
    this.logger.error(new AgentReplacedError(this.identity.id).message);
    // The newer instance has taken over all that this one had, and speaks for the id.
    pauses.stop();
    const warn = (error: unknown): void => this.logger.warn(`ending its work: ${errorText(error)}`);
    await this.stopWork().catch(warn);
    await this.bus.stop(LEAVE_TIMEOUT_MS).catch(warn);
  }
}

const IN_CLEAR = {
  'accept-clear': 'what is sensitive is taken in clear as well',
  off: 'what is sensitive is sent, stored and taken in clear',
} as const;

/** How long leaving may take beside the handlers, in ms. */
const LEAVE_TIMEOUT_MS = 2_000;

/** This version of AgentMQ, as agents tell it to each other. */
const AGENT_VERSION = '0.1.0';
