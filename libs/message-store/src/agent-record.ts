export type AgentHealth = 'healthy' | 'unhealthy' | 'stopped';

/** One agent as the registry knows it. */
export interface AgentRecord {
  readonly id: string;
  readonly role: string;
  readonly capabilities: readonly string[];
  /** Changes with every start; an older instance of the same id can't write any more. */
  readonly instance: string;
  /** 0 idle to 1 full. */
  readonly load: number;
  readonly inFlight: number;
  readonly version: string;
  readonly health: AgentHealth;
  readonly registeredAt: Date;
  readonly heartbeatAt: Date;
}

export type AgentRegistration = Pick<AgentRecord, 'id' | 'role' | 'capabilities' | 'instance' | 'version'>;
export type AgentHeartbeat = Pick<AgentRecord, 'id' | 'instance' | 'load' | 'inFlight'>;
