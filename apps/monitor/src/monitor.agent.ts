import { type BeforeApplicationShutdown, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Agent, AgentClient, AgentRegistry, AgentServer, AgentSettings, Subscribe } from 'agentmq/agent';
import { AgentHeartbeat, AgentRecovered, AgentUnhealthy, HEARTBEAT_TOPIC } from 'agentmq/contracts';
import { type AgentRecord, MessageStore } from 'agentmq/message-store';

/** Watches the registry: tells everybody which agents have missed their time-out, and which are back. */
@Agent({ role: 'monitor', capabilities: ['monitoring'] })
export class MonitorAgent implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Monitor');
  /** Roles of the agents that are known to be unhealthy, by id. */
  private readonly unhealthy = new Map<string, string>();
  private readonly interval: number;
  private timer: NodeJS.Timeout | undefined;
  private readonly untold: AgentRecord[] = [];
  private checking = false;
  private lastCheck = 0;
  private patientUntil = 0;

  constructor(
    private readonly agents: AgentClient,
    private readonly registry: AgentRegistry,
    private readonly server: AgentServer,
    private readonly store: MessageStore,
    private readonly settings: AgentSettings,
  ) {
    const { heartbeatInterval, agentTimeout } = settings.registry;
    this.interval = Math.min(heartbeatInterval, agentTimeout / 4);
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      if (!this.server.isReady || this.checking) return;
      this.checking = true;
      this.check()
        .catch((error: unknown) => this.logger.warn(String(error)))
        .finally(() => (this.checking = false));
    }, this.interval);
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** A sign of life of an agent that was given up is told at once. */
  @Subscribe(HEARTBEAT_TOPIC, AgentHeartbeat)
  async onHeartbeat({ id }: AgentHeartbeat): Promise<void> {
    const role = this.unhealthy.get(id);
    if (role !== undefined) await this.tellRecovered(id, role);
  }

  /** One look at the registry. */
  async check(): Promise<void> {
    const { agentTimeout } = this.settings.registry;
    const now = Date.now();
    // While this monitor could not look, perhaps nobody could write: give heartbeats the time to come again.
    if (this.lastCheck > 0 && now - this.lastCheck > this.interval * 3) this.patientUntil = now + agentTimeout;
    if (now >= this.patientUntil) this.untold.push(...(await this.store.markUnhealthy(agentTimeout)));
    // Each is answered to one monitor and once: who could not be told stays to be told.
    for (let agent = this.untold[0]; agent; agent = this.untold[0]) {
      await this.tellUnhealthy(agent);
      this.untold.shift();
    }
    for (const { id, role, health } of this.registry.find({ health: 'any' })) {
      if (health === 'unhealthy') this.unhealthy.set(id, role);
      else if (this.unhealthy.has(id))
        await (health === 'healthy' ? this.tellRecovered(id, role) : this.unhealthy.delete(id));
    }
    this.lastCheck = Date.now();
  }

  private async tellUnhealthy({ id, role, heartbeatAt }: AgentRecord): Promise<void> {
    this.unhealthy.set(id, role);
    this.logger.warn(`${id} is unhealthy: silent since ${heartbeatAt.toISOString()}`);
    await this.agents.broadcast(AgentUnhealthy, { id, role, lastHeartbeat: heartbeatAt.toISOString() });
  }

  private async tellRecovered(id: string, role: string): Promise<void> {
    this.unhealthy.delete(id);
    this.logger.log(`${id} has recovered`);
    await this.agents.broadcast(AgentRecovered, { id, role });
  }
}
