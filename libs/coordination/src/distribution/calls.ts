import { setMaxListeners } from 'node:events';
import type { AgentRegistry, RegisteredAgent } from 'agentmq/agent';
import { AgentLostError } from './errors.js';

interface Asked {
  count: number;
  readonly lost: AbortController;
  leaving?: NodeJS.Timeout;
}

/** What this process has asked of others and not got back, by instance. */
export class Calls {
  private readonly asked = new Map<string, Asked>();

  /** An agent that leaves has `drainMs` for the answers that it still owes. */
  constructor(
    events: AgentRegistry['events'],
    private readonly drainMs: number,
  ) {
    events.subscribe(({ kind, agent }) => {
      if (kind === 'dead') this.giveUp(agent);
      if (kind === 'left') this.expectEnd(agent);
    });
  }

  inFlight({ instance }: Pick<RegisteredAgent, 'instance'>): number {
    return this.asked.get(instance)?.count ?? 0;
  }

  /** Settles as `work` does. The signal aborts, with {@link AgentLostError}, once the agent is not going to answer. */
  async run<T>({ instance }: Pick<RegisteredAgent, 'instance'>, work: (lost: AbortSignal) => Promise<T>): Promise<T> {
    const asked = this.asked.get(instance) ?? this.begin(instance);
    asked.count++;
    try {
      return await work(asked.lost.signal);
    } finally {
      asked.count--;
      if (asked.count === 0) this.forget(instance, asked);
    }
  }

  private begin(instance: string): Asked {
    const asked: Asked = { count: 0, lost: new AbortController() };
    // each call listens, and there may be hundreds
    setMaxListeners(0, asked.lost.signal);
    this.asked.set(instance, asked);
    return asked;
  }

  private expectEnd(agent: RegisteredAgent): void {
    const asked = this.asked.get(agent.instance);
    if (asked) asked.leaving ??= setTimeout(() => this.giveUp(agent), this.drainMs).unref();
  }

  private giveUp({ id, instance }: RegisteredAgent): void {
    const asked = this.asked.get(instance);
    if (!asked) return;
    this.forget(instance, asked);
    asked.lost.abort(new AgentLostError(id));
  }

  private forget(instance: string, asked: Asked): void {
    clearTimeout(asked.leaving);
    if (this.asked.get(instance) === asked) this.asked.delete(instance);
  }
}
