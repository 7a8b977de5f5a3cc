import type { ConsumerName } from 'agentmq/message-store';

/** What a namespace does now. Rates are of the last `windowSeconds`, of durable messages. */
export interface Overview {
  readonly at: Date;
  readonly namespace: string;
  readonly windowSeconds: number;
  /**
   * A second: messages that were stored, and deliveries that were completed or ended dead. Of the newest 5,000 messages of the
   * last ten minutes: of a backlog that is longer, `completed` is told by how it shrinks, once it was sampled twice.
   */
  readonly rates: { readonly stored: number; readonly completed: number; readonly failed: number };
  /** From stored to completed, in ms, of what was completed in the window; absent where nothing was. */
  readonly latency?: { readonly p50: number; readonly p95: number };
  /** Deliveries that are owed and not settled. */
  readonly backlog: number;
  readonly deadLetters: number;
  readonly outbox: { readonly entries: number; readonly oldestAgeSeconds: number };
  readonly agents: { readonly healthy: number; readonly unhealthy: number };
  readonly leaders: readonly LeaderRow[];
  readonly tasks: {
    readonly queued: number;
    /** Begun by their agents, and runs of pipelines: what a list of the state `running` has. */
    readonly running: number;
    /** In the last hour: of the newest 1,000 that have failed. */
    readonly failed: number;
  };
  /** How many are paused or drained. */
  readonly paused: { readonly consumers: number; readonly agents: number };
  /**
   * One for each 10 s of the last hour at most, oldest first, as this process has seen them. Of a later event of `/events`: only those
   * that have come since the one before.
   */
  readonly history: readonly OverviewPoint[];
}

export interface OverviewPoint {
  readonly at: Date;
  readonly stored: number;
  readonly completed: number;
  readonly failed: number;
  readonly backlog: number;
  readonly deadLetters: number;
  /** In ms. */
  readonly p50?: number;
  readonly p95?: number;
}

/** Messages between roles, in the last `windowSeconds`. */
export interface Flow {
  readonly at: Date;
  readonly windowSeconds: number;
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly FlowEdge[];
}

export interface FlowNode {
  /** A role's name, a sender's id where it has no role, `topic:…`, or `broadcast`. */
  readonly id: string;
  readonly kind: 'role' | 'client' | 'topic' | 'broadcast';
  readonly agents: number;
  readonly healthy: number;
  /** 0 to 1, the mean of its agents. */
  readonly load: number;
  readonly backlog: number;
  readonly dead: number;
  readonly paused: boolean;
}

export interface FlowEdge {
  readonly from: string;
  readonly to: string;
  readonly perSecond: number;
  readonly failedPerSecond: number;
  /** The types that most of these messages have, at most five. */
  readonly types: readonly string[];
}

export interface AgentRow {
  readonly id: string;
  readonly roles: readonly string[];
  readonly health: 'healthy' | 'suspect' | 'dead' | 'stopped';
  /** As the monitor that leads has told: docs/MONITORING.md. */
  readonly conditions: readonly string[];
  readonly conditionDetail?: string;
  /** 0 idle to 1 full. */
  readonly load: number;
  readonly inFlight: number;
  /** Of its app. */
  readonly version: string;
  readonly instance: string;
  readonly registeredAt: Date;
  readonly heartbeatAt: Date;
  readonly capabilities: readonly string[];
  /** `order@2`. */
  readonly contracts: readonly string[];
  /** Circuits of this agent to others that are not closed. */
  readonly circuits: readonly { readonly agent: string; readonly state: string }[];
  readonly groups: readonly { readonly group: string; readonly leads: boolean }[];
  readonly pause?: Pause;
}

export interface ConsumerRow {
  readonly name: ConsumerName;
  /** Agents that are alive and read its inbox. */
  readonly agents: number;
  readonly pending: number;
  readonly processing: number;
  readonly retrying: number;
  readonly dead: number;
  /** How long the oldest of what is owed has waited. */
  readonly oldestAgeSeconds?: number;
  /** Ready at the broker; absent where it has no inbox, past the first 1,000 consumers, and while the broker does not tell it. */
  readonly queueDepth?: number;
  /** Messages in the outbox that its inbox refuses. */
  readonly refused: number;
  readonly subscriptions: readonly string[];
  readonly pause?: Pause;
}

export interface LeaderRow {
  readonly group: string;
  readonly term: number;
  readonly leader: string;
  readonly alive: boolean;
  readonly electedAt: Date;
}

/** A consumer, or an agent's intake, that takes nothing new. */
export interface Pause {
  /** `role.worker`: all agents of the role stop reading that inbox; `agent.worker-1`: that agent takes nothing at all. */
  readonly target: ConsumerName;
  readonly since: Date;
  readonly by: string;
  readonly reason: string;
  /** The agent is to finish what it has; `drained` once it has nothing left. */
  readonly drain: boolean;
  readonly drained?: boolean;
}
