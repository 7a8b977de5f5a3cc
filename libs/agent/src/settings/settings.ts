import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { RetryPolicy } from 'agentmq/contracts';
import { readRoutingRules, type RoutingRule } from './routing-rules.js';
import { readScaledRoles, type ScaledRole } from './scaled-roles.js';
import type { Variables } from './given.js';
import { atOrigin, readEnvironment } from './read-environment.js';
import { SettingsError } from './settings-error.js';
import {
  type BusType,
  type Environment,
  logLevels,
  type LogLevel,
  type QueueType,
  type StartMode,
} from './environment.js';
import { readSealing, type SealingSettings } from './sealing-settings.js';

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
    /** How long dead letters are kept that nobody discarded. */
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
    /** None: it starts and stops nobody. */
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

/** How much longer each wait before a retry is than the one before. */
const RETRY_FACTOR = 2;

/**
 * Reads the settings from environment variables, and from the file that `AGENTMQ_CONFIG` names; an empty variable counts as
 * not given. `defaults` are those of an app that differs from the others.
 * Throws {@link SettingsError} with every problem at once.
 */
export function loadSettings(variables: Variables = process.env, defaults: Partial<Environment> = {}): AgentSettings {
  const { env, given, problems } = readEnvironment(variables, defaults);
  if (env.REGISTRY_AGENT_TIMEOUT <= env.REGISTRY_HEARTBEAT_INTERVAL) {
    problems.push('REGISTRY_AGENT_TIMEOUT: must be longer than REGISTRY_HEARTBEAT_INTERVAL');
  }
  if (env.COORDINATION_ELECTION_TIMEOUT < 3 * env.COORDINATION_LEADER_HEARTBEAT_INTERVAL) {
    problems.push('COORDINATION_ELECTION_TIMEOUT: must be at least three times COORDINATION_LEADER_HEARTBEAT_INTERVAL');
  }
  const routing = readRoutingRules(env.ROUTING_RULES);
  problems.push(...routing.problems);
  const scaled = readScaledRoles(env.SCALING);
  problems.push(...scaled.problems);
  if (scaled.roles.length > 0 && env.MESSAGE_BUS_TYPE === 'in_memory') {
    problems.push('SCALING: needs MESSAGE_BUS_TYPE=rabbitmq or redis, which workers in other processes can reach');
  }
  const { sealing, problems: ofSealing } = readSealing(env);
  problems.push(...ofSealing);
  if (env.RETRY_MAX_DELAY < env.RETRY_DELAY) problems.push('RETRY_MAX_DELAY: must not be shorter than RETRY_DELAY');
  if (problems.length > 0) throw new SettingsError(problems.map((problem) => atOrigin(problem, given)));
  return {
    namespace: env.NAMESPACE,
    agentId: env.AGENT_ID,
    ephemeral: env.AGENT_ID === '',
    bus: {
      type: env.MESSAGE_BUS_TYPE,
      urls: (env.MESSAGE_BUS_TYPE === 'redis' ? env.REDIS_URL : env.AMQP_URL).split(','),
      sentinelMaster: env.REDIS_SENTINEL_MASTER,
      queueType: env.RABBITMQ_QUEUE_TYPE,
      maxQueueSize: env.MESSAGE_BUS_MAX_QUEUE_SIZE,
      messageTtl: env.MESSAGE_BUS_MESSAGE_TTL * 1_000,
      handlerGrace: Math.round(env.MESSAGE_BUS_HANDLER_GRACE * 1_000),
      subscriptionGrace: Math.round(env.MESSAGE_BUS_SUBSCRIPTION_GRACE * 1_000),
      maxMessageBytes: env.MESSAGE_BUS_MAX_MESSAGE_BYTES,
    },
    start: env.MESSAGE_BUS_START,
    databaseUrl: env.DATABASE_URL,
    database: {
      poolSize: env.DATABASE_POOL_SIZE,
      statementTimeoutMs: env.DATABASE_STATEMENT_TIMEOUT * 1_000,
    },
    store: {
      lease: env.MESSAGE_STORE_LEASE * 1_000,
      outboxLimit: env.MESSAGE_STORE_OUTBOX_LIMIT,
      replayInterval: env.MESSAGE_STORE_REPLAY_INTERVAL * 1_000,
      retention: env.MESSAGE_STORE_RETENTION * 1_000,
      deadRetention: env.MESSAGE_STORE_DEAD_RETENTION * 1_000,
    },
    sealing,
    retry: {
      attempts: env.RETRY_ATTEMPTS,
      delay: Math.round(env.RETRY_DELAY * 1_000),
      factor: RETRY_FACTOR,
      maxDelay: Math.round(env.RETRY_MAX_DELAY * 1_000),
    },
    handlerTimeout: env.HANDLER_TIMEOUT * 1_000,
    registry: {
      heartbeatInterval: env.REGISTRY_HEARTBEAT_INTERVAL * 1_000,
      agentTimeout: env.REGISTRY_AGENT_TIMEOUT * 1_000,
    },
    coordination: {
      consensusTimeout: env.COORDINATION_CONSENSUS_TIMEOUT * 1_000,
      leaderElectionInterval: env.COORDINATION_LEADER_ELECTION_INTERVAL * 1_000,
      leaderHeartbeatInterval: Math.round(env.COORDINATION_LEADER_HEARTBEAT_INTERVAL * 1_000),
      electionTimeout: Math.round(env.COORDINATION_ELECTION_TIMEOUT * 1_000),
      routingRules: routing.rules,
    },
    scaling: {
      roles: scaled.roles,
      targetBacklog: env.SCALING_TARGET_BACKLOG,
      coolDown: Math.round(env.SCALING_COOL_DOWN * 1_000),
      interval: Math.round(env.SCALING_INTERVAL * 1_000),
      startTimeout: Math.round(env.SCALING_START_TIMEOUT * 1_000),
      command: env.SCALING_COMMAND,
    },
    circuit: {
      failureRate: env.CIRCUIT_FAILURE_RATE,
      window: Math.round(env.CIRCUIT_WINDOW * 1_000),
      minimumVolume: env.CIRCUIT_MINIMUM_VOLUME,
      openTime: Math.round(env.CIRCUIT_OPEN_TIME * 1_000),
      probeTimeout: Math.round(env.CIRCUIT_PROBE_TIMEOUT * 1_000),
    },
    monitor: {
      interval: Math.round(env.MONITOR_INTERVAL * 1_000),
      probeTimeout: Math.round(env.MONITOR_PROBE_TIMEOUT * 1_000),
      behind: Math.round(env.MONITOR_BEHIND * 1_000),
    },
    trace: { rate: env.TRACE_RATE, ratio: env.TRACE_RATIO },
    http: { port: env.HTTP_PORT },
    shutdownTimeout: env.SHUTDOWN_TIMEOUT * 1_000,
    log: { level: env.LOG_LEVEL, json: env.LOG_FORMAT === 'json' },
  };
}

/** `worker-myhost-1f3a`: an id for an agent that was given none. */
export const generateAgentId = (role: string): string =>
  `${role}-${hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 80)}-${randomBytes(3).toString('hex')}`;

/** The levels that a Nest logger is to show for one level. */
export const logLevelsUpTo = (level: LogLevel): LogLevel[] => logLevels.slice(0, logLevels.indexOf(level) + 1);
