import { Injectable } from '@nestjs/common';
import { Broker } from 'agentmq/broker';
import { contractKey, toRole } from 'agentmq/protocol';
import { Database } from 'agentmq/database';
import { MessageBus } from 'agentmq/messaging';
import { type HealthProbe, HealthProbes, type ProbeResult } from 'agentmq/telemetry';
import { AgentRegistry } from './registry/agent-registry.js';
import { AgentServer } from './agent-server.js';
import { AgentIdentity } from './identity.js';

/** The most full or missing inboxes that are told, the longest backlog first. */
const MOST_TOLD = 10;

/** What an agent app tells on `/health`. */
@Injectable()
export class AgentProbes extends HealthProbes {
  constructor(
    private readonly identity: AgentIdentity,
    private readonly server: AgentServer,
    private readonly broker: Broker,
    private readonly database: Database,
    private readonly bus: MessageBus,
    private readonly registry: AgentRegistry,
  ) {
    super();
  }

  protected own(): readonly HealthProbe[] {
    return [
      { name: 'agent', readiness: true, check: () => Promise.resolve(this.agent()) },
      { name: 'message_bus', readiness: true, check: () => this.messageBus() },
      { name: 'message_store', readiness: true, check: () => this.messageStore() },
      { name: 'handlers', readiness: false, check: () => this.handlers() },
      { name: 'agents', readiness: false, check: () => Promise.resolve(this.agents()) },
    ];
  }

  private agent(): ProbeResult {
    const { id, role } = this.identity;
    return { status: this.server.isReady ? 'up' : 'down', data: { id, role, load: this.server.load } };
  }

  private async messageBus(): Promise<ProbeResult> {
    const { type, connected, blocked, impaired = false, remarks } = this.broker.status();
    if (!connected) return { status: 'down', data: { type, message: 'not connected' } };
    const size = await this.broker.inboxSize({ ...toRole(this.identity.role), kind: 'role' }).catch(() => undefined);
    return {
      status: blocked || impaired ? 'degraded' : 'up',
      data: {
        type,
        message_queue_size: size ?? 0,
        ...(blocked ? { blocked } : {}),
        ...(impaired ? { impaired } : {}),
        ...(remarks ? { remarks } : {}),
      },
    };
  }

  /** An agent whose sends are refused can't do its work. A full or missing inbox concerns only what is sent to it. */
  private async messageStore(): Promise<ProbeResult> {
    await this.database.ping();
    const { entries, limit, refusing } = this.bus.outboxLoad;
    const waiting = refusing
      .slice(0, MOST_TOLD)
      .map(({ target, entries: messages, since }) => ({ inbox: target, messages, since: since.toISOString() }));
    const data = { outbox: entries, ...(waiting.length > 0 ? { refusing: waiting } : {}) };
    if (entries >= limit) return { status: 'down', data: { ...data, message: 'the outbox is full' } };
    return { status: waiting.length > 0 ? 'degraded' : 'up', data };
  }

  /** What no instance handles waits for one that does: a matter of what was deployed, not of this app's health. */
  private async handlers(): Promise<ProbeResult> {
    const found = await this.bus.waitingForHandler();
    const waiting = found.map(({ consumer, type, version, count, since }) => ({
      consumer,
      contract: contractKey({ type, version }),
      messages: count,
      since: since.toISOString(),
    }));
    return waiting.length === 0 ? { status: 'up', data: {} } : { status: 'degraded', data: { waiting } };
  }

  /** Unhealthy colleagues are told, but are no reason to call this app unhealthy. */
  private agents(): ProbeResult {
    const present = this.registry.find({ health: 'any' }).filter(({ health }) => health !== 'stopped');
    const healthy = present.filter(({ health }) => health === 'healthy').length;
    return {
      status: healthy === present.length ? 'up' : 'degraded',
      data: { agents: present.length, healthy_agents: healthy },
    };
  }
}
