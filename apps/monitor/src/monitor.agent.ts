import { type BeforeApplicationShutdown, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { AgentServer } from 'agentmq/agent';
import { Agent, AgentRegistry, AgentSettings, type RegistryEvent } from 'agentmq';
import { AgentStore } from 'agentmq/message-store';
import type { Subscription } from 'rxjs';

/** Agents that have been silent for so many time-outs, and for an hour, are forgotten. */
const FORGET_AFTER_TIMEOUTS = 10;
const FORGET_AFTER_MS = 3_600_000;

/** Watches the registry: logs the agents that come and go, and forgets agents that have been silent for long. */
@Agent({ role: 'monitor', capabilities: ['monitoring'] })
export class MonitorAgent implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Monitor');
  private timer: NodeJS.Timeout | undefined;
  private events: Subscription | undefined;

  constructor(
    private readonly registry: AgentRegistry,
    private readonly server: AgentServer,
    private readonly record: AgentStore,
    private readonly settings: AgentSettings,
  ) {}

  onApplicationBootstrap(): void {
    this.events = this.registry.events.subscribe((event) => this.report(event));
    this.timer = setInterval(() => {
      this.forget().catch((error: unknown) => this.logger.warn(String(error)));
    }, this.settings.registry.heartbeatInterval);
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
    this.events?.unsubscribe();
  }

  /** After an outage a silent agent may only have been cut off: none is forgotten then. */
  private async forget(): Promise<void> {
    if (!this.server.isReady || !this.registry.isClear) return;
    const { agentTimeout } = this.settings.registry;
    await this.record.forget(Math.max(agentTimeout * FORGET_AFTER_TIMEOUTS, FORGET_AFTER_MS));
  }

  private report({ kind, agent: { id, role } }: RegistryEvent): void {
    // Of an agent that is silent, and of its recovery, the monitor that leads tells.
    if (kind === 'joined' || kind === 'left') this.logger.log(`${id} (${role}) has ${kind}`);
  }
}
