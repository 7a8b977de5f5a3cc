import { Injectable } from '@nestjs/common';
import { Broker, type Inbox } from 'agentmq/broker';
import { formatRecipient } from 'agentmq/protocol';
import { HistoryStore } from 'agentmq/message-store';
import { bounded, Metrics, sample, SharedRead } from 'agentmq/telemetry';
import { AgentIdentity } from './identity.js';
import { AgentRegistry } from './registry/agent-registry.js';

/** For the help texts: several processes see the same thing, so their values must not be added up. */
const SEEN_BY_MANY = 'Several processes tell the same: take max, not sum, over them';
const MOST_INBOXES = 10;
const MOST_ROLES = 50;
const MOST_CONSUMERS = 50;

/**
 * Metrics of what agents share: the agents, the outbox, what consumers are owed, their queues. An app tells of its own role
 * and id, and, once {@link tellAll} was called, of all consumers and roles. Database and broker are asked when metrics
 * are, now and then; while one is away its metrics have no values.
 */
@Injectable()
export class NamespaceMetrics {
  private all = false;
  private readonly sizes = new SharedRead(() => this.askSizes());

  constructor(
    metrics: Metrics,
    private readonly identity: AgentIdentity,
    private readonly registry: AgentRegistry,
    private readonly history: HistoryStore,
    private readonly broker: Broker,
  ) {
    this.agents(metrics);
    this.stored(metrics);
    this.queues(metrics);
  }

  /** From now on all consumers and roles are told of. */
  tellAll(): void {
    this.all = true;
  }

  /**
   * How many messages wait in each inbox at the broker, of this app's roles and id, or of all roles; also for health. An inbox that the
   * broker does not tell of is left out. Rejects when the broker takes long to answer.
   */
  depths(): Promise<ReadonlyMap<string, number>> {
    return this.sizes.get();
  }

  private agents(metrics: Metrics): void {
    metrics.sampled(
      {
        name: 'agentmq_active_agents',
        help: `Agents that are healthy, by role (one of several roles counts for each), as this process sees them. ${SEEN_BY_MANY}`,
        labelNames: ['role'],
      },
      () => {
        const healthy = new Map<string, number>();
        for (const { roles, health } of this.registry.find({ health: 'any' }))
          for (const role of roles) healthy.set(role, (healthy.get(role) ?? 0) + (health === 'healthy' ? 1 : 0));
        return bounded(
          [...healthy].map(([role, value]) => ({ labels: { role }, value })),
          'role',
        );
      },
    );
  }

  private stored(metrics: Metrics): void {
    const figures = new SharedRead(() => this.history.figures(this.owners().map(formatRecipient), this.all));
    metrics.sampled(
      {
        name: 'agentmq_outbox_entries',
        help: `Messages of the namespace that wait to be published, but for those to full and missing inboxes. ${SEEN_BY_MANY}`,
      },
      async () => [sample((await figures.get()).entries)],
    );
    metrics.sampled(
      {
        name: 'agentmq_outbox_oldest_age_seconds',
        help: `How long the oldest of these has waited; 0 when none waits. ${SEEN_BY_MANY}`,
      },
      async () => [sample((await figures.get()).oldest ?? 0)],
    );
    metrics.sampled(
      {
        name: 'agentmq_outbox_refused',
        help: `Messages that wait for an inbox which is full or missing: for the ten that most wait for, and all others. ${SEEN_BY_MANY}`,
        labelNames: ['inbox'],
      },
      async () => {
        const { refusing } = await figures.get();
        const samples = refusing.map(({ target, entries }) => ({ labels: { inbox: target }, value: entries }));
        return bounded(samples, 'inbox', MOST_INBOXES);
      },
    );
    metrics.sampled(
      {
        name: 'agentmq_open_deliveries',
        help: `Messages that a consumer is owed and has not settled, by state; of this app's role and id, by a monitor of all consumers. ${SEEN_BY_MANY}`,
        labelNames: ['consumer', 'state'],
      },
      async () => {
        const { deliveries } = await figures.get();
        const open = deliveries.filter(({ state }) => state !== 'dead');
        return bounded(
          open.map(({ consumer, state, count }) => ({ labels: { consumer, state }, value: count })),
          'consumer',
        );
      },
    );
    metrics.sampled(
      {
        name: 'agentmq_open_deliveries_oldest_age_seconds',
        help: `How long the oldest message that a consumer is owed has been to be delivered; 0 when it is owed none; of this app's role and id, by a monitor of all consumers, the fifty with the oldest. ${SEEN_BY_MANY}`,
        labelNames: ['consumer'],
      },
      async () => {
        const { oldestOwed, deliveries } = await figures.get();
        const ages = new Map(deliveries.map(({ consumer }) => [consumer, 0]));
        for (const { consumer, age } of oldestOwed) ages.set(consumer, age);
        return [...ages]
          .sort(([, a], [, b]) => b - a)
          .slice(0, MOST_CONSUMERS)
          .map(([consumer, value]) => ({ labels: { consumer }, value }));
      },
    );
    metrics.sampled(
      {
        name: 'agentmq_dead_letters',
        help: `Messages that are dead at a consumer and were not discarded; of this app's role and id, by a monitor of all consumers. ${SEEN_BY_MANY}`,
        labelNames: ['consumer'],
      },
      async () => {
        const { deliveries } = await figures.get();
        const dead = deliveries.filter(({ state }) => state === 'dead');
        return bounded(
          dead.map(({ consumer, count }) => ({ labels: { consumer }, value: count })),
          'consumer',
        );
      },
    );
  }

  private queues(metrics: Metrics): void {
    metrics.sampled(
      {
        name: 'agentmq_queue_depth',
        help: `Messages that wait in an inbox at the broker, not fetched yet; of this app's role and id, by a monitor of all roles. ${SEEN_BY_MANY}`,
        labelNames: ['inbox'],
      },
      async () => [...(await this.depths())].map(([inbox, value]) => ({ labels: { inbox }, value })),
    );
  }

  private async askSizes(): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>();
    for (const owner of this.owners()) {
      const size = await this.broker.inboxSize(owner).catch(() => undefined);
      if (size !== undefined) sizes.set(formatRecipient(owner), size);
    }
    return sizes;
  }

  /** Each is a question to the broker: they are few. */
  private owners(): Inbox['owner'][] {
    const { id, isClient } = this.identity;
    const present = this.all ? this.registry.find({ health: ['healthy', 'suspect', 'dead'] }) : [];
    const roles = new Set([...this.identity.roles, ...present.flatMap(({ roles }) => roles)]);
    return [
      ...(isClient ? [] : [{ kind: 'agent', name: id } as const]),
      ...[...roles].slice(0, MOST_ROLES).map((name) => ({ kind: 'role', name }) as const),
    ];
  }
}
