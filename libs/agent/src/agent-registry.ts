import { Injectable, Logger } from '@nestjs/common';
import {
  AgentDeregistered,
  AgentHeartbeat,
  AgentRecovered,
  AgentRegistered,
  AgentUnhealthy,
  contractOf,
  HEARTBEAT_TOPIC,
  type PayloadClass,
  toEveryone,
  toTopic,
} from 'agentmq/contracts';
import { type AgentHealth, type AgentRecord, MessageStore } from 'agentmq/message-store';
import { MessageBus, type Route } from 'agentmq/messaging';
import { AgentIdentity } from './identity.js';

/** What to look for; every criterion given must hold. */
export interface AgentQuery {
  readonly id?: string;
  readonly role?: string;
  /** A capability, or a glob: `nlp_*`. */
  readonly capability?: string;
  /** `healthy` unless given. */
  readonly health?: AgentHealth | 'any';
}

/**
 * All agents, as this one knows them: kept in Postgres, read at the start and with every heartbeat, and brought up to
 * date in between by what agents and monitors broadcast. Looking something up is free of any round trip.
 */
@Injectable()
export class AgentRegistry {
  private readonly logger = new Logger('AgentRegistry');
  private known = new Map<string, AgentRecord>();

  constructor(
    private readonly identity: AgentIdentity,
    private readonly store: MessageStore,
    private readonly bus: MessageBus,
  ) {}

  /** Agents that match, by load and then id. */
  find(query: AgentQuery = {}): AgentRecord[] {
    const { id, role, capability, health = 'healthy' } = query;
    const wanted = capability === undefined ? undefined : globToRegExp(capability);
    return [...this.known.values()]
      .filter(
        (agent) =>
          (id === undefined || agent.id === id) &&
          (role === undefined || agent.role === role) &&
          (wanted === undefined || agent.capabilities.some((name) => wanted.test(name))) &&
          (health === 'any' || agent.health === health),
      )
      .sort((a, b) => a.load - b.load || (a.id < b.id ? -1 : 1));
  }

  /** Writes this agent down and tells the others. */
  async register(version: string): Promise<void> {
    const { id, role, instance } = this.identity;
    const capabilities = [...this.identity.capabilities];
    await this.store.registerAgent({ id, role, capabilities, instance, version });
    await this.refresh();
    // The others read it from the store too: that nobody can be told now is no reason not to work.
    this.tell(AgentRegistered, { id, role, capabilities, instance, version }).catch((error: unknown) =>
      this.logger.warn(`not all were told of this agent: ${error instanceof Error ? error.message : String(error)}`),
    );
  }

  /** Says that this agent is alive. False when another instance has taken its id. */
  async heartbeat(load: number, inFlight: number): Promise<boolean> {
    const { id, instance } = this.identity;
    const stillOurs = await this.store.heartbeat({ id, instance, load, inFlight });
    if (!stillOurs) return false;
    await this.refresh();
    await this.bus.send(toTopic(HEARTBEAT_TOPIC), contractOf(AgentHeartbeat), { id, instance, load, inFlight });
    return true;
  }

  /** Crosses this agent out and tells the others. */
  async deregister(): Promise<void> {
    const { id, instance } = this.identity;
    await this.store.deregisterAgent({ id, instance });
    await this.tell(AgentDeregistered, { id, instance });
  }

  /** What keeps the view up to date between two readings of the store. */
  routes(): Route[] {
    return [
      route(AgentRegistered, ({ id, role, capabilities, instance, version }) => {
        const now = new Date();
        const fresh = { load: 0, inFlight: 0, health: 'healthy' as const, registeredAt: now, heartbeatAt: now };
        this.known.set(id, { id, role, capabilities, instance, version, ...fresh });
      }),
      route(AgentDeregistered, ({ id, instance }) => {
        if (this.known.get(id)?.instance === instance) this.change(id, 'stopped');
      }),
      route(AgentUnhealthy, ({ id }) => this.change(id, 'unhealthy')),
      route(AgentRecovered, ({ id }) => this.change(id, 'healthy')),
    ];
  }

  private async refresh(): Promise<void> {
    const agents = await this.store.agents();
    this.known = new Map(agents.map((agent) => [agent.id, agent]));
  }

  private change(id: string, health: AgentHealth): void {
    const agent = this.known.get(id);
    if (agent) this.known.set(id, { ...agent, health });
  }

  private async tell<P extends object>(contract: PayloadClass<P>, payload: P): Promise<void> {
    await this.bus.send(toEveryone, contractOf(contract), payload);
  }
}

function route<P extends object>(payload: PayloadClass<P>, apply: (event: P) => void): Route {
  return {
    contract: contractOf(payload),
    handle: (event) => {
      apply(event as P);
      return Promise.resolve();
    },
  };
}

/** `*` stands for any characters, all else for itself. */
function globToRegExp(glob: string): RegExp {
  const escaped = glob.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`);
}
