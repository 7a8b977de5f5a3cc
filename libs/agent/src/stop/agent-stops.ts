import { Injectable, Logger } from '@nestjs/common';
import { MessageBus } from 'agentmq/messaging';
import { AgentServer } from '../agent-server.js';
import { AgentIdentity } from '../identity.js';
import type { Intake } from '../intake.js';
import { AgentStop } from '../messages/agent-stop.js';
import { SelfStop } from './self-stop.js';
import { StopStore } from './stop-store.js';

/** How long an agent may take to hear that it is to stop, in ms: the caller asks again. */
const TTL_MS = 10_000;

const topicTo = (agentId: string): string => `agents.stop.${agentId}`;

/** Asks agents to stop, and has this one stop gracefully when it is asked. */
@Injectable()
export class AgentStops implements Intake {
  private readonly logger = new Logger('AgentStops');
  private isLooking = false;

  constructor(
    private readonly identity: AgentIdentity,
    private readonly server: AgentServer,
    private readonly bus: MessageBus,
    private readonly self: SelfStop,
    private readonly stops: StopStore,
  ) {
    server.addIntake(this);
  }

  /**
   * Asks an agent to finish what it holds and stop, as SIGTERM would. It obeys as soon as it hears of it: asking again is safe.
   * Rejects as `Database.query` does, and with what `MessageBus.announce` throws.
   */
  async ask(agent: { readonly id: string; readonly instance: string }, reason: string): Promise<void> {
    await this.stops.ask(agent.instance, reason);
    const stop = { agentId: agent.id, instance: agent.instance, reason };
    this.bus.announce(topicTo(agent.id), AgentStop, stop, { ttl: TTL_MS });
  }

  async open(): Promise<void> {
    await this.bus.listen([topicTo(this.identity.id)], AgentStop, (stop) => this.obey(stop));
  }

  /** Any process can send such a message: this agent stops only if the record says so too. */
  private obey({ instance }: AgentStop): void {
    if (instance !== this.identity.instance || this.server.isClosing || this.isLooking) return;
    this.isLooking = true;
    void this.look().finally(() => (this.isLooking = false));
  }

  private async look(): Promise<void> {
    try {
      const reason = await this.stops.reasonFor(this.identity.instance);
      if (reason === undefined || this.server.isClosing) return;
      this.logger.log(`${this.identity.id} stops: ${reason}`);
      this.self.stop().catch((error: unknown) => this.logger.error(error));
    } catch (error) {
      this.logger.warn(`asked to stop, which the record can't confirm now: ${String(error)}`);
    }
  }
}
