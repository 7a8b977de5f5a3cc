import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AgentIdentity, AgentRegistry, AgentServer, SelfStop } from 'agentmq/agent';
import { AgentStop } from 'agentmq/contracts';
import { BusStoppedError, MessageBus } from 'agentmq/messaging';
import type { Subscription } from 'rxjs';

/** How long an agent may take to hear that it is to stop, in ms: whoever asks does so again. */
const TTL_MS = 10_000;

const topicTo = (agentId: string): string => `agents.stop.${agentId}`;

/** Asks agents to stop, and has this one stop gracefully when it is asked. */
@Injectable()
export class AgentStops implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('AgentStops');
  private registered: Subscription | undefined;

  constructor(
    private readonly identity: AgentIdentity,
    private readonly registry: AgentRegistry,
    private readonly server: AgentServer,
    private readonly bus: MessageBus,
    private readonly self: SelfStop,
  ) {}

  /**
   * Asks an agent to finish what it holds and stop, as SIGTERM would. It obeys if its app imports `CoordinationModule` and
   * hears of it: asking again is safe. Throws as `MessageBus.announce` does.
   */
  ask(agent: { readonly id: string; readonly instance: string }, reason: string): void {
    const stop = { agentId: agent.id, instance: agent.instance, reason };
    this.bus.announce(topicTo(agent.id), AgentStop, stop, { ttl: TTL_MS });
  }

  onApplicationBootstrap(): void {
    const { instance } = this.identity;
    this.registered = this.registry.events.subscribe(({ kind, agent }) => {
      if (kind !== 'joined' || agent.instance !== instance) return;
      this.registered?.unsubscribe();
      void this.listen();
    });
  }

  onModuleDestroy(): void {
    this.registered?.unsubscribe();
  }

  private async listen(): Promise<void> {
    try {
      await this.bus.listen([topicTo(this.identity.id)], AgentStop, (stop) => this.obey(stop));
    } catch (error) {
      if (!(error instanceof BusStoppedError)) this.logger.warn(String(error));
    }
  }

  private obey({ instance, reason }: AgentStop): void {
    if (instance !== this.identity.instance || this.server.isClosing) return;
    this.logger.log(`${this.identity.id} stops: ${reason}`);
    this.self.stop().catch((error: unknown) => this.logger.error(error));
  }
}
