import type { RetryPolicy } from 'agentmq/protocol';
import type { RoutingRule } from './routing-rules.js';
import type { ScaledRole } from './scaled-roles.js';
import type { BusType, LogLevel, QueueType, StartMode } from './environment.js';
import type { SealingSettings } from './sealing-settings.js';

/** What an agent app is told by its environment; also its Nest token. Times in ms. */
export abstract class AgentSettings {
  /** Prefix of exchanges, queues and keys, and the database schema. */
  abstract readonly namespace: string;
  /** Empty: role, host and a random part. */
  abstract readonly agentId: string;
  /** The id is of this start only: when the agent stops, its inbox goes. So it is with an id that was made up. */
  abstract readonly ephemeral: boolean;
  abstract readonly bus: {
    readonly type: BusType;
    /** Where the broker of this type is: several are nodes of one cluster, or Sentinels. */
    readonly urls: readonly string[];
    /** The name that Redis' Sentinels know the server by; empty where the URLs are the server's. */
    readonly sentinelMaster: string;
    readonly queueType: QueueType;
    /** Messages that a queue holds before it refuses more. */
    readonly maxQueueSize: number;
    readonly messageTtl: number;
    /** How long a message waits for an instance that handles it, when none does. */
    readonly handlerGrace: number;
    /** How long a role keeps a subscription that no live instance of it declares. */
    readonly subscriptionGrace: number;
    readonly maxMessageBytes: number;
  };
  /** Broker or database down at start: `fail`, `wait` for them, or go on without and join them later (`degraded`). */
  abstract readonly start: StartMode;
  /** Where PostgreSQL is; empty for the embedded database. */
  abstract readonly databaseUrl: string;
  abstract readonly database: {
    /** The most connections to it. */
    readonly poolSize: number;
    /** How long a statement may run; 0 for no limit. */
    readonly statementTimeoutMs: number;
  };
  abstract readonly store: {
    /** How long a claim on a message, or on an outbox entry, lasts unless it is renewed. */
    readonly lease: number;
    /** Messages that wait for the broker before sending another fails. */
    readonly outboxLimit: number;
    /** How often what is owed and on its way nowhere is looked for. */
    readonly replayInterval: number;
    /** How long messages are kept once they are settled. */
    readonly retention: number;
    /** How long dead letters are kept that were not discarded. */
    readonly deadRetention: number;
  };
  /** How payloads of sensitive contracts are sealed. */
  abstract readonly sealing: SealingSettings;
  /** How failed messages are tried again, as far as neither contract nor handler says so. */
  abstract readonly retry: RetryPolicy;
  /** How long a handler may run unless it says otherwise. */
  abstract readonly handlerTimeout: number;
  abstract readonly registry: { readonly heartbeatInterval: number; readonly agentTimeout: number };
  abstract readonly coordination: {
    /** How long votes on a proposal are waited for, unless it says otherwise. */
    readonly consensusTimeout: number;
    /** How often a leader has its term confirmed by the database. */
    readonly leaderElectionInterval: number;
    /** How often a leader tells its group that it leads. */
    readonly leaderHeartbeatInterval: number;
    /** The least time without a leader before an election; each is drawn from this to twice this. */
    readonly electionTimeout: number;
    /** Where work for a capability goes, if not to the agents that declare it. */
    readonly routingRules: readonly RoutingRule[];
  };
  /** What the leader of the coordinators does about backlogs. */
  abstract readonly scaling: {
    /** None: it starts and stops no agents. */
    readonly roles: readonly ScaledRole[];
    /** How much backlog one worker is to have, in messages and tasks. */
    readonly targetBacklog: number;
    /** For how long fewer workers must have been enough before some are stopped. */
    readonly coolDown: number;
    /** How often it looks. */
    readonly interval: number;
    /** How long a worker may take from its start until it is registered. */
    readonly startTimeout: number;
    /** What starts a worker, `{role}` standing for its role; empty: the app of that name. */
    readonly command: string;
  };
  /** When calls to an agent that fails are held back. */
  abstract readonly circuit: {
    /** The share of failures, 0 to 1, above which its circuit opens. */
    readonly failureRate: number;
    /** How far back calls count. */
    readonly window: number;
    /** The fewest calls in that time that it opens on. */
    readonly minimumVolume: number;
    /** How long it stays open before a call may try the agent. */
    readonly openTime: number;
    /** How long such a call may take, unless it says otherwise. */
    readonly probeTimeout: number;
  };
  /** How the monitor that leads checks the agents. */
  abstract readonly monitor: {
    /** From the beginning of one round of checks to the next, at least. */
    readonly interval: number;
    /** How long an agent may take to answer a probe. */
    readonly probeTimeout: number;
    /** How long an agent may keep messages waiting, in its inbox or its outbox. */
    readonly behind: number;
  };
  /** Which new traces are recorded. */
  abstract readonly trace: {
    /** So many a second, all of them. */
    readonly rate: number;
    /** This share of those beyond. */
    readonly ratio: number;
  };
  abstract readonly http: { readonly port: number };
  /** How long a stop waits for handlers. */
  abstract readonly shutdownTimeout: number;
  abstract readonly log: { readonly level: LogLevel; readonly json: boolean };
}
