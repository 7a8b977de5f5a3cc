import { Injectable } from '@nestjs/common';
import { Broker } from 'agentmq/broker';
import { contractKey, errorText } from 'agentmq/protocol';
import { Database } from 'agentmq/database';
import { AgentStore, OutboxStore } from 'agentmq/message-store';
import { MessageBus } from 'agentmq/messaging';
import {
  type Fault,
  type HealthProbe,
  HealthProbes,
  type ProbeResult,
  SharedRead,
  SteadyFaults,
  type SteadyState,
} from 'agentmq/telemetry';
import { AgentPauses } from './pauses/agent-pauses.js';
import { AgentRegistry } from './registry/agent-registry.js';
import { AgentServer } from './agent-server.js';
import { NamespaceMetrics } from './namespace-metrics.js';
import { AgentIdentity } from './identity.js';
import { AgentSettings } from './settings/settings.js';

/** The most full or missing inboxes that are told, the longest backlog first. */
const MOST_TOLD = 10;

/** What an agent app tells on `/health`: docs/HEALTH.md. */
@Injectable()
export class AgentProbes extends HealthProbes {
  private readonly busFaults = new SteadyFaults();
  private readonly storeFaults = new SteadyFaults();
  private readonly registryFaults = new SteadyFaults();
  /** Cheap, so that it needs no rest after one that took long: whether the database is there must not be old. */
  private readonly touched = new SharedRead(() => this.touch(), { restFactor: 0 });
  private readonly stuck = new SharedRead(() => this.lookAtOutbox());

  constructor(
    private readonly identity: AgentIdentity,
    private readonly server: AgentServer,
    private readonly broker: Broker,
    private readonly database: Database,
    private readonly agents: AgentStore,
    private readonly outbox: OutboxStore,
    private readonly settings: AgentSettings,
    private readonly bus: MessageBus,
    private readonly registry: AgentRegistry,
    private readonly pauses: AgentPauses,
    private readonly namespace: NamespaceMetrics,
  ) {
    super();
  }

  protected own(): readonly HealthProbe[] {
    return [
      {
        name: this.identity.isClient ? 'client' : 'agent',
        readiness: true,
        check: () => Promise.resolve(this.agent()),
      },
      { name: 'message_bus', readiness: true, check: () => this.messageBus() },
      { name: 'message_store', readiness: true, check: () => this.messageStore() },
      { name: 'registry', readiness: true, check: () => Promise.resolve(this.registered()) },
      ...(this.identity.isClient ? [] : [{ name: 'handlers', readiness: false, check: () => this.handlers() }]),
      { name: 'agents', readiness: false, check: () => Promise.resolve(this.colleagues()) },
    ];
  }

  private agent(): ProbeResult {
    const { id, roles, isClient } = this.identity;
    const of = roles.length > 1 ? { roles } : { role: roles[0] };
    const paused = this.pauses.current.map(({ target, since, by, reason, drain, drainedAt }) => ({
      ...{ target, since: since.toISOString(), by, reason },
      ...(drain ? { drained: drainedAt !== null } : {}),
    }));
    const told = paused.length > 0 ? { paused } : {};
    const data = isClient ? { id } : { id, ...of, load: this.server.load, ...told };
    if (!this.server.isReady) return { status: 'down', data };
    return { status: paused.length > 0 ? 'degraded' : 'up', data };
  }

  private async messageBus(): Promise<ProbeResult> {
    const { type, connected, remarks } = this.broker.status();
    const faults = this.broker.faults().map(({ kind, of, reason, since }) => ({
      fault: kind,
      reason: reason.startsWith(of) ? reason : `${of}: ${reason}`,
      since,
    }));
    // A consumer is being made for the first time.
    if (!connected && faults.length === 0)
      faults.push({ fault: 'not_connected', reason: 'connecting', since: new Date() });
    const state = this.busFaults.look(faults);
    const { roles, isClient } = this.identity;
    const depths = isClient ? undefined : await this.namespace.depths().catch(() => undefined);
    const sizes = roles.map((name) => depths?.get(`role.${name}`));
    // not known of a broker that is away, or slow to answer
    const waiting = sizes.includes(undefined) ? undefined : sizes.reduce<number>((sum, size = 0) => sum + size, 0);
    return resultOf(state, {
      type,
      ...(waiting === undefined ? {} : { message_queue_size: waiting }),
      ...(remarks ? { remarks } : {}),
    });
  }

  /** An agent whose sends are refused can't do its work. A full or missing inbox concerns only what is sent to it. */
  private async messageStore(): Promise<ProbeResult> {
    const { entries, limit, refusing } = this.bus.outboxLoad;
    const reads = [this.touched.get(), this.stuck.get()];
    const faults = await Promise.all(reads).then(
      (found) => found.flat(),
      (error: unknown): Fault[] => [unavailable(error)],
    );
    const full = {
      fault: 'outbox_full',
      reason: `${entries} messages wait, no more are taken until some have gone out`,
    };
    const state = this.storeFaults.look(entries >= limit ? [...faults, full] : faults);
    const waiting = refusing
      .slice(0, MOST_TOLD)
      .map(({ target, entries: messages, since }) => ({ inbox: target, messages, since: since.toISOString() }));
    const result = resultOf(state, { outbox: entries, ...(waiting.length > 0 ? { refusing: waiting } : {}) });
    return result.status === 'up' && waiting.length > 0 ? { ...result, status: 'degraded' } : result;
  }

  /** Whether the database takes writes. Rejects when it does not answer. */
  private async touch(): Promise<Fault[]> {
    try {
      await this.agents.touch(this.identity.id);
      return [];
    } catch (error) {
      await this.database.now().catch(() => {
        throw error;
      });
      return [{ fault: 'database_refuses_writes', reason: errorText(error) }];
    }
  }

  /** Whether what waits in the outbox goes out. */
  private async lookAtOutbox(): Promise<Fault[]> {
    const stuck = await this.outbox.stuck(this.settings.monitor.behind);
    if (!stuck) return [];
    const why = stuck.error === null ? '' : `, the last error was: ${stuck.error}`;
    return [{ fault: 'outbox_stuck', reason: `${stuck.entries} messages have not gone out${why}`, since: stuck.since }];
  }

  /** An agent that others take for silent, and that does not know them, neither gets work nor chooses well. */
  private registered(): ProbeResult {
    const { staleness } = this.registry;
    return resultOf(this.registryFaults.look(staleness ? [{ fault: 'registry_stale', ...staleness }] : []), {});
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
  private colleagues(): ProbeResult {
    const present = this.registry.find({ health: 'any' }).filter(({ health }) => health !== 'stopped');
    const healthy = present.filter(({ health }) => health === 'healthy').length;
    return {
      status: healthy === present.length ? 'up' : 'degraded',
      data: { agents: present.length, healthy_agents: healthy },
    };
  }
}

const unavailable = (error: unknown): Fault => ({ fault: 'database_unavailable', reason: errorText(error) });

/** `message` is what an operator reads first: why it is down. */
const resultOf = ({ status, faults, lastSeen }: SteadyState, data: ProbeResult['data']): ProbeResult => ({
  status,
  data: {
    ...data,
    ...(faults.length > 0 ? { message: faults.map(({ reason }) => reason).join('; '), faults } : {}),
    ...(lastSeen === undefined ? {} : { last_seen: lastSeen }),
  },
});
