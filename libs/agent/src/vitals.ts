import { Injectable } from '@nestjs/common';
import { AgentProbe, AgentVitals, probeTopic, vitalsTopic } from './messages/agent-conditions.js';
import { contractOf } from 'agentmq/protocol';
import { type Handler, MessageBus } from 'agentmq/messaging';
import { AgentIdentity } from './identity.js';

/** How long an answer that passes no inbox means anything, in ms. */
const TTL_MS = 5_000;

/** Tells a monitor how this agent is: by the agent's inbox, as a handler, and past it. */
@Injectable()
export class Vitals {
  constructor(
    private readonly identity: AgentIdentity,
    private readonly bus: MessageBus,
  ) {}

  /** A handler for the agent's own inbox. */
  handler(): Handler {
    return { contract: contractOf(AgentProbe), handle: () => this.read() };
  }

  /** Answers from now on what is asked past the inbox too. Resolves and rejects as `MessageBus.listen` does. */
  async listen(): Promise<void> {
    await this.bus.listen([probeTopic(this.identity.id)], AgentProbe, ({ asker }) => {
      this.bus.announce(vitalsTopic(asker), AgentVitals, this.read(), { ttl: TTL_MS });
    });
  }

  private read(): AgentVitals {
    const { id: agent, instance } = this.identity;
    const { stalledMs } = this.bus;
    const stalled = stalledMs === undefined ? {} : { stalled: Math.round(stalledMs) };
    return Object.assign(new AgentVitals(), { agent, instance, ...stalled });
  }
}
