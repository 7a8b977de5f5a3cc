import { type AgentRegistry, type AgentSettings, judgedAgents, type RegisteredAgent } from 'agentmq/agent';
import type { AgentStore } from 'agentmq/message-store';

/** All agents of the namespace, the dead and the stopped included, as this process judges them. */
export abstract class Roster {
  /** Rejects with `StoreUnavailableError` where it has to read them. */
  abstract read(): Promise<readonly RegisteredAgent[]>;
}

/** Of an app of AgentMQ's: its registry has them. */
export class RegistryRoster extends Roster {
  constructor(private readonly registry: AgentRegistry) {
    super();
  }

  read(): Promise<readonly RegisteredAgent[]> {
    return Promise.resolve(this.registry.find({ health: 'any' }));
  }
}

/** Of a program without an agent, such as the command line. */
export class RecordedRoster extends Roster {
  constructor(
    private readonly agents: AgentStore,
    private readonly settings: AgentSettings['registry'],
  ) {
    super();
  }

  async read(): Promise<readonly RegisteredAgent[]> {
    return judgedAgents(await this.agents.read(), this.settings);
  }
}
