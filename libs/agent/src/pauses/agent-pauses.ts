import { Injectable, Logger } from '@nestjs/common';
import { PauseStore, type StoredPause } from 'agentmq/message-store';
import { MessageBus } from 'agentmq/messaging';
import { errorText } from 'agentmq/protocol';
import { pause as wait } from 'agentmq/time';
import { AgentIdentity } from '../identity.js';
import { PAUSES_TOPIC, PausesChanged } from '../messages/pauses-changed.js';
import { AgentRegistry } from '../registry/agent-registry.js';

/** How often an agent that drains looks whether it has nothing left, in ms. */
const LOOK_MS = 250;

/** Work that an agent takes by another way than its inboxes. */
export interface PausedWork {
  /** Nothing is left of what it has taken. */
  readonly isIdle: boolean;
  /** Called when the agent takes nothing new any more. */
  paused?(): void;
}

/**
 * Has this agent keep to what operators have paused: a role of its, so that it does not read that inbox; or itself, so that it takes
 * nothing. What it has in its hands it finishes. Read at the start, with each heartbeat, and when a control message tells of a change.
 */
@Injectable()
export class AgentPauses {
  private readonly logger = new Logger('Pauses');
  private readonly work: PausedWork[] = [];
  private kept: readonly StoredPause[] = [];
  private reading: Promise<void> | undefined;
  private isStale = false;
  private draining: Promise<void> | undefined;
  private readonly stopping = new AbortController();

  constructor(
    private readonly identity: AgentIdentity,
    private readonly bus: MessageBus,
    private readonly store: PauseStore,
    private readonly registry: AgentRegistry,
  ) {}

  /** Those that concern this agent. */
  get current(): readonly StoredPause[] {
    return this.kept;
  }

  /** The agent takes nothing at all. */
  get isPaused(): boolean {
    return this.ofAgent !== undefined;
  }

  add(work: PausedWork): void {
    this.work.push(work);
  }

  /** Reads what is paused, and keeps to it from now on. Rejects as the store does. */
  read(): Promise<void> {
    this.isStale = true;
    this.reading ??= this.readAll().finally(() => (this.reading = undefined));
    return this.reading;
  }

  /** Hears of changes from now on. Resolves and rejects as `MessageBus.listen` does. */
  async listen(): Promise<void> {
    await this.bus.listen([PAUSES_TOPIC], PausesChanged, ({ target }) => {
      // the others leave out an agent that is paused
      if (target.startsWith('agent.')) this.registry.lookAgain(target.slice('agent.'.length));
      if (this.targets.includes(target)) this.read().catch((error: unknown) => this.unread(error));
    });
    await this.read().catch((error: unknown) => this.unread(error));
  }

  stop(): void {
    this.stopping.abort();
  }

  private get targets(): string[] {
    const { id, roles } = this.identity;
    return [`agent.${id}`, ...roles.map((role) => `role.${role}`)];
  }

  private get ofAgent(): StoredPause | undefined {
    return this.kept.find(({ target }) => target === `agent.${this.identity.id}`);
  }

  private async readAll(): Promise<void> {
    while (this.isStale && !this.stopping.signal.aborted) {
      this.isStale = false;
      this.keepTo(await this.store.list(this.targets));
    }
  }

  private keepTo(read: readonly StoredPause[]): void {
    const wasPaused = this.isPaused;
    const before = this.kept;
    this.kept = read;
    for (const { target, by, reason } of read)
      if (!before.some((each) => each.target === target)) this.logger.warn(`${target} is paused by ${by}: ${reason}`);
    for (const { target } of before)
      if (!read.some((each) => each.target === target)) this.logger.log(`${target} is paused no more`);
    this.bus.pause(this.isPaused ? this.targets : read.map(({ target }) => target));
    if (this.isPaused && !wasPaused) for (const each of this.work) each.paused?.();
    if (this.isToDrain) this.draining ??= this.drain().finally(() => (this.draining = undefined));
  }

  private get isToDrain(): boolean {
    return this.ofAgent?.drain === true && this.ofAgent.drainedAt === null;
  }

  /** Until it has nothing left, and that is on record. */
  private async drain(): Promise<void> {
    const { signal } = this.stopping;
    while (this.isToDrain && !signal.aborted) {
      try {
        if (this.bus.isIdle && this.work.every(({ isIdle }) => isIdle)) {
          await this.store.drained(`agent.${this.identity.id}`);
          this.logger.log(`${this.identity.id} is drained: it has nothing left`);
          await this.read();
          continue;
        }
      } catch (error) {
        this.logger.warn(`drained, which the record can't take now: ${errorText(error)}`);
      }
      await wait(LOOK_MS, signal);
    }
  }

  private unread(error: unknown): void {
    this.logger.warn(`what is paused is not known before the next heartbeat: ${errorText(error)}`);
  }
}
