import { readRoutingRules } from './routing-rules.js';
import { readScaledRoles } from './scaled-roles.js';
import type { Variables } from './given.js';
import { atOrigin, readEnvironment } from './read-environment.js';
import { SettingsError } from './settings-error.js';
import type { Environment } from './environment.js';
import { readSealing } from './sealing-settings.js';
import type { AgentSettings } from './settings.js';

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
