import type { SealingMode } from 'agentmq/messaging';
import { IsIn, Matches } from 'class-validator';
import { Fraction, Whole } from './numbers.js';
import { Place } from './places.js';

export type BusType = 'in_memory' | 'rabbitmq' | 'redis';
export type QueueType = 'quorum' | 'classic';
/** What an app does about a broker or database that is down at its start. */
export type StartMode = 'fail' | 'wait' | 'degraded';

export const logLevels = ['error', 'warn', 'log', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/** In s: ten years of 365 days. */
const LONGEST_RETENTION = 315_360_000;
/** In s: a week, as in a contract's own retry options. */
const LONGEST_RETRY_DELAY = 604_800;
/** In s: RabbitMQ takes an unacknowledged message away after 30 min (its consumer_timeout). */
export const LONGEST_HANDLER_TIMEOUT = 1_700;

/**
 * The variables as they are read; names, ranges and defaults are listed in docs/SETTINGS.md. A property that is added here is
 * read from the environment (`MONITOR_INTERVAL`), from a file (`MONITOR_INTERVAL_FILE`) and from the configuration file
 * (`monitor.interval`) with nothing else to do: {@link Place} is only for one that has the name of a section.
 */
export class Environment {
  @Matches(/^[a-z_][a-z0-9_]{0,39}$/, { message: 'must be 1-40 lower-case letters, digits and "_", no digit first' })
  NAMESPACE = 'agentmq';

  /** Empty: one is made up at each start. */
  @Matches(/^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$/, { message: 'must be 1-128 letters, digits, "_", "-" or "."' })
  AGENT_ID = '';

  @IsIn(['in_memory', 'rabbitmq', 'redis'])
  MESSAGE_BUS_TYPE: BusType = 'rabbitmq';

  @Matches(/^amqps?:\/\/[^\s,]+(,amqps?:\/\/[^\s,]+)*$/, { message: 'must be amqp(s):// URLs, separated by commas' })
  AMQP_URL = 'amqp://guest:guest@127.0.0.1:5672';

  @Matches(/^rediss?:\/\/[^\s,]+(,rediss?:\/\/[^\s,]+)*$/, {
    message: 'must be redis(s):// URLs, separated by commas',
  })
  REDIS_URL = 'redis://127.0.0.1:6379';

  /** Empty: REDIS_URL is that of the server itself. */
  REDIS_SENTINEL_MASTER = '';

  @IsIn(['quorum', 'classic'])
  RABBITMQ_QUEUE_TYPE: QueueType = 'quorum';

  @Whole(1, 1_000_000_000) MESSAGE_BUS_MAX_QUEUE_SIZE = 10_000;
  @Whole(1, 4_294_967) MESSAGE_BUS_MESSAGE_TTL = 3_600;
  @Fraction(0, 2_592_000) MESSAGE_BUS_HANDLER_GRACE = 3_600;
  @Fraction(0, 2_592_000) MESSAGE_BUS_SUBSCRIPTION_GRACE = 3_600;

  @IsIn(['fail', 'wait', 'degraded'])
  MESSAGE_BUS_START: StartMode = 'wait';

  @Whole(1_024, 134_217_728) MESSAGE_BUS_MAX_MESSAGE_BYTES = 16_777_216;

  /** Empty: the embedded database. */
  @Matches(/^(postgres(ql)?:\/\/\S+)?$/, { message: 'must be a postgres:// URL' })
  DATABASE_URL = 'postgres://postgres@127.0.0.1:5432/postgres';

  @Whole(2, 1_000) DATABASE_POOL_SIZE = 10;
  @Whole(0, 86_400) DATABASE_STATEMENT_TIMEOUT = 30;
  @Whole(2, 3_600) MESSAGE_STORE_LEASE = 30;
  @Whole(1, 1_000_000_000) MESSAGE_STORE_OUTBOX_LIMIT = 100_000;
  @Whole(1, 3_600) MESSAGE_STORE_REPLAY_INTERVAL = 30;
  @Whole(60, LONGEST_RETENTION) MESSAGE_STORE_RETENTION = 604_800;
  @Whole(60, LONGEST_RETENTION) MESSAGE_STORE_DEAD_RETENTION = 2_592_000;

  @IsIn(['on', 'accept-clear', 'off'])
  @Place('sealing.mode')
  SEALING: SealingMode = 'on';

  /** Checked where they are read: readSealing. */
  SEALING_KEYS = '';
  SEALING_KEYS_FILE = '';

  @Whole(1, 100) RETRY_ATTEMPTS = 5;
  @Fraction(0, LONGEST_RETRY_DELAY) RETRY_DELAY = 1;
  @Fraction(0, LONGEST_RETRY_DELAY) RETRY_MAX_DELAY = 60;
  @Whole(1, LONGEST_HANDLER_TIMEOUT) HANDLER_TIMEOUT = 600;
  @Whole(1, 86_400) REGISTRY_HEARTBEAT_INTERVAL = 30;
  @Whole(2, 604_800) REGISTRY_AGENT_TIMEOUT = 120;
  @Whole(1, 86_400) COORDINATION_CONSENSUS_TIMEOUT = 60;
  @Whole(1, 86_400) COORDINATION_LEADER_ELECTION_INTERVAL = 300;
  @Fraction(0.05, 60) COORDINATION_LEADER_HEARTBEAT_INTERVAL = 0.5;
  @Fraction(0.2, 600) COORDINATION_ELECTION_TIMEOUT = 2.5;

  /** Checked where it is read: readRoutingRules. */
  ROUTING_RULES = '';

  /** Checked where it is read: readScaledRoles. */
  @Place('scaling.roles')
  SCALING = '';

  @Fraction(0.1, 1_000_000) SCALING_TARGET_BACKLOG = 10;
  @Fraction(0, 86_400) SCALING_COOL_DOWN = 60;
  @Fraction(0.1, 3_600) SCALING_INTERVAL = 2;
  @Fraction(0.1, 3_600) SCALING_START_TIMEOUT = 60;

  SCALING_COMMAND = '';

  @Fraction(0, 0.99) CIRCUIT_FAILURE_RATE = 0.5;
  @Fraction(0.1, 3_600) CIRCUIT_WINDOW = 10;
  @Whole(1, 1_000_000) CIRCUIT_MINIMUM_VOLUME = 10;
  @Fraction(0.1, 3_600) CIRCUIT_OPEN_TIME = 5;
  @Fraction(0.1, 3_600) CIRCUIT_PROBE_TIMEOUT = 30;
  @Fraction(0.1, 3_600) MONITOR_INTERVAL = 10;
  @Fraction(0.1, 600) MONITOR_PROBE_TIMEOUT = 10;
  @Fraction(0.1, 86_400) MONITOR_BEHIND = 60;
  @Fraction(0, 1_000_000) TRACE_RATE = 100;
  @Fraction(0, 1) TRACE_RATIO = 0.01;
  @Whole(0, 65_535) HTTP_PORT = 3_000;
  @Whole(0, 3_600) SHUTDOWN_TIMEOUT = 20;

  @IsIn(logLevels)
  LOG_LEVEL: LogLevel = 'log';

  @IsIn(['text', 'json'])
  LOG_FORMAT: 'text' | 'json' = 'text';
}
