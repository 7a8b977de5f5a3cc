import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Broker } from 'agentmq/broker';
import { Database } from 'agentmq/database';
import { StoreUnavailableError } from 'agentmq/database';
import { MessageBus } from 'agentmq/messaging';
import { backoff, pause } from 'agentmq/time';
import { AgentSettings } from '../settings/settings.js';

/** A change of the schema may take minutes. */
const TOLD_AFTER_MS = 10_000;

/**
 * Opens store and bus, once: when the agent listens, or before that when an app sends (in a constructor, `onModuleInit` or
 * `onApplicationBootstrap`). Both wait for a store that is away as `MESSAGE_BUS_START` says.
 */
@Injectable()
export class Startup implements OnApplicationBootstrap {
  private readonly logger = new Logger('AgentMQ');
  private readonly stopping = new AbortController();
  private begun: Promise<void> | undefined;
  private listening = false;
  private hasBootstrapped = false;

  constructor(
    private readonly settings: AgentSettings,
    private readonly database: Database,
    private readonly bus: MessageBus,
    private readonly broker: Broker,
  ) {}

  /** Aborted when the agent is told to stop. */
  get stopped(): AbortSignal {
    return this.stopping.signal;
  }

  onApplicationBootstrap(): void {
    this.hasBootstrapped = true;
  }

  /** For a client. Resolves and rejects as {@link listen} does; until then its senders wait. */
  async connect(): Promise<void> {
    await this.begin();
    await this.broker.start();
  }

  /** For the agent that begins to listen. Resolves when store and broker are there; rejects with what prevents the start. */
  async listen(): Promise<void> {
    if (!this.hasBootstrapped) {
      this.logger.warn(
        'messages are handled before onModuleInit of the app: call app.listen() before app.startAllMicroservices()',
      );
    }
    await this.connect();
    this.listening = true;
  }

  /**
   * For a sender. Does `work` when durable messages can be stored, if the agent does not listen yet. Once it does, what can't
   * be sent now is its sender's to know, so it is done at once.
   */
  whenReady<T>(work: () => Promise<T>): Promise<T> {
    if (!this.listening && !this.stopped.aborted) return this.begin().then(work);
    try {
      return work();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  stop(): void {
    this.stopping.abort();
  }

  /** Tries again while the store is away, unless the agent is to fail then. */
  async patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const { stopped } = this;
        const mayPass = error instanceof StoreUnavailableError && error.retryable;
        if (this.settings.start === 'fail' || !mayPass || stopped.aborted) throw error;
        if (attempt === 0) this.logger.warn(`waiting for the message store: ${error.message}`);
        await pause(backoff(attempt), stopped);
      }
    }
  }

  private begin(): Promise<void> {
    this.begun ??= this.open();
    return this.begun;
  }

  private async migrate(): Promise<void> {
    const told = setTimeout(
      () => this.logger.log('waiting for the schema: this instance or another one changes it'),
      TOLD_AFTER_MS,
    ).unref();
    try {
      await this.database.migrate();
    } finally {
      clearTimeout(told);
    }
  }

  private async open(): Promise<void> {
    await this.patiently(() => this.migrate());
    // From here on durable messages can be sent, whether or not the broker is there.
    await this.patiently(() => this.bus.start());
    // A request waits for it; what it fails with is told when the agent listens.
    this.broker.start().catch(() => undefined);
  }
}
