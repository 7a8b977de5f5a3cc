/** What an agent says of another that failed it too often. */
export interface AgentCircuit {
  /** The id of the other. */
  readonly agent: string;
  /** `open`: it sends the other nothing for now; `half_open`: one call at a time, to see how the other is. */
  readonly state: 'open' | 'half_open';
  /** By its own clock, as RFC 3339. */
  readonly since: string;
}

/** Messages that an instance has a handler for. */
export interface HandledContract {
  readonly type: string;
  readonly version: number;
  /** Published to topics that this pattern matches; without it, sent to the role, to the agent, or to all. */
  readonly topic?: string;
  /** Of a topic: whether the role is subscribed to it or this agent alone. */
  readonly scope?: 'role' | 'instance';
  /** Of an agent of several roles: whose messages it handles; without it, those of each. */
  readonly role?: string;
  /** It carries out tasks of the type: a method declares it by `@Task`. */
  readonly task?: true;
}

/**
 * One agent as it was last written down. Of one that is healthy, a registry may have read `sequence`, `load`, `inFlight` and
 * `heartbeatAt` some heartbeats ago: they are read again when the load has changed by about a quarter.
 */
export interface AgentRecord {
  readonly id: string;
  /** The first of its roles. */
  readonly role: string;
  /** All of its roles, which it serves with one inbox of its own. */
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
  /** Changes with every start; an older instance of the same id can't write any more. */
  readonly instance: string;
  /** Counts the registrations of the id, from 1: of two instances, the later one has the greater number. */
  readonly incarnation: number;
  /** Counts the instance's heartbeats; 0 before the first. */
  readonly sequence: number;
  /** 0 idle to 1 full. */
  readonly load: number;
  readonly inFlight: number;
  /** The most messages that it handles at once. */
  readonly concurrency: number;
  /** Its circuits that are not closed. */
  readonly circuits: readonly AgentCircuit[];
  readonly version: string;
  /** None of an instance whose AgentMQ is of before it was told. */
  readonly handles: readonly HandledContract[];
  /** An operator has paused it: it takes nothing new. */
  readonly paused: boolean;
  /** It has left by its own will. */
  readonly stopped: boolean;
  readonly registeredAt: Date;
  /** When its latest heartbeat, or its registration, was written down. */
  readonly heartbeatAt: Date;
}

/** All agents as they were at `now`, by the clock that their own times are of. */
export interface AgentSnapshot {
  readonly now: Date;
  /** What is read by {@link ChangedAgents} `since` it has changed later. */
  readonly position: string;
  /** By id. */
  readonly agents: readonly AgentRecord[];
}

/** Agents of which something has changed but the time of their heartbeat (of their load: a quarter of it), or that are silent. */
export interface ChangedAgents {
  /** The position of an earlier snapshot. */
  readonly since: string;
  /** For how long an agent that has not stopped has been silent. */
  readonly silentMs: number;
}

export type AgentRegistration = Pick<
  AgentRecord,
  'id' | 'role' | 'capabilities' | 'instance' | 'version' | 'concurrency'
> &
  /** `roles`: that one alone unless given. */
  Partial<Pick<AgentRecord, 'handles' | 'roles'>> & {
    /** Its id is of this start alone: once it is gone, no agent of that id comes. */
    readonly ephemeral?: boolean;
  };
export type HeartbeatRecord = Pick<
  AgentRecord,
  'id' | 'instance' | 'sequence' | 'capabilities' | 'version' | 'load' | 'inFlight' | 'concurrency' | 'circuits'
>;

/**
 * - `recorded`: the agent counts as alive (a heartbeat that came late, after a later one, changed nothing)
 * - `replaced`: the instance speaks for the id no more: another has registered, or it has deregistered
 * - `unknown`: there is no such agent, or none any more
 */
export type HeartbeatOutcome = 'recorded' | 'replaced' | 'unknown';
