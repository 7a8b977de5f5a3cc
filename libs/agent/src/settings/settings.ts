import { BrokerSettings } from 'agentmq/broker';
import { DatabaseSettings } from 'agentmq/database';
import { HttpAccessSettings } from 'agentmq/http';
import { MessagingSettings, RetrySettings, TraceSettings } from 'agentmq/messaging';
import { oneOf, secondsOrLess, seconds, Setting, text, whole } from 'agentmq/settings';
import { CircuitSettings, CoordinationSettings, TaskSettings } from './coordination-settings.js';
import { ScalingSettings } from './scaling-settings.js';
import { SealingSettings } from './sealing-settings.js';

/** What an app does about a broker or database that is down at its start. */
export type StartMode = 'fail' | 'wait' | 'degraded';

export const logLevels = ['error', 'warn', 'log', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/** How agents know of each other. */
export class RegistrySettings {
  @Setting(
    seconds(1, 86_400),
    'REGISTRY_HEARTBEAT_INTERVAL',
    'how often an agent says that it is alive, and reads how the others are',
  )
  heartbeatInterval = 30_000;

  @Setting(
    seconds(2, 604_800),
    'REGISTRY_AGENT_TIMEOUT',
    'a silent agent is dead after this, and suspect after the mean of both; four intervals or more leave room for a lost one',
  )
  agentTimeout = 120_000;
}

/** How the monitor that leads checks the agents. */
export class MonitorSettings {
  /** From the beginning of one round of checks to the next, at least. */
  @Setting(
    secondsOrLess(0.1, 3_600),
    'MONITOR_INTERVAL',
    'from one round of checks to the next, at least; docs/MONITORING.md',
  )
  interval = 10_000;

  @Setting(secondsOrLess(0.1, 600), 'MONITOR_PROBE_TIMEOUT', 'how long an agent may take to answer a probe')
  probeTimeout = 10_000;

  @Setting(
    secondsOrLess(0.1, 86_400),
    'MONITOR_BEHIND',
    'how long an agent may keep messages waiting, in its inbox or its outbox, until it is unhealthy',
  )
  behind = 60_000;
}

/** In place of a path: there is no such route. */
export const OFF = 'off';

const route = text(/^(off|(\/[A-Za-z0-9._~-]+)+)$/, 'must be a path such as /internal/health, or off');

export class HttpSettings {
  @Setting(whole(0, 65_535), 'HTTP_PORT', "health, metrics, and the app's own routes; 0 for any free one")
  port = 3_000;

  @Setting(text(/^[A-Za-z0-9._:%-]*$/, 'must be an address or a host name'), 'HTTP_HOST', 'the address to listen at', {
    default: '127.0.0.1; all addresses in a container',
  })
  host = '';

  @Setting(
    route,
    'HTTP_HEALTH_PATH',
    'where health is told, with `/live` and `/ready` below it: the whole path, without the global prefix; `off` for nowhere',
  )
  healthPath = '/health';

  @Setting(route, 'HTTP_METRICS_PATH', 'where metrics are told: the whole path; `off` for nowhere')
  metricsPath = '/metrics';
}

export class LogSettings {
  @Setting(oneOf(logLevels), 'LOG_LEVEL', '`error`, `warn`, `log` or `debug`')
  level: LogLevel = 'log';

  @Setting(
    oneOf(['auto', 'text', 'json']),
    'LOG_FORMAT',
    '`text`, `json`, or `auto`: text in a terminal, JSON elsewhere',
  )
  format: 'auto' | 'text' | 'json' = 'auto';
}

/** What an agent app is told by its environment; also its Nest token. Each part is the settings class of a room. Times in ms. */
export class AgentSettings {
  /** Prefix of exchanges, queues and keys, and the database schema. */
  @Setting(
    text(/^[a-z_][a-z0-9_]{0,39}$/, 'must be 1-40 lower-case letters, digits and "_", no digit first'),
    'NAMESPACE',
    'prefix of exchanges, queues and keys, and the database schema: lower case, digits, `_`',
  )
  namespace = 'agentmq';

  /** Empty: one is made up at each start. */
  @Setting(
    text(/^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$/, 'must be 1-128 letters, digits, "_", "-" or "."'),
    'AGENT_ID',
    'stable ids keep what was sent to the agent while it was away',
    { default: 'role, host and a random part' },
  )
  agentId = '';

  @Setting(
    oneOf<StartMode>(['fail', 'wait', 'degraded']),
    'MESSAGE_BUS_START',
    'broker or database down at the start: `fail`, `wait`, or `degraded` (join later)',
    { default: '`wait`; `fail` for `agentmq run`' },
  )
  start: StartMode = 'wait';

  /** How long a stop waits for handlers. */
  @Setting(seconds(0, 3_600), 'SHUTDOWN_TIMEOUT', 'how long a stop waits for handlers')
  shutdownTimeout = 20_000;

  /** The id is of this start only: when the agent stops, its inbox goes. So it is with an id that was made up. */
  ephemeral = false;

  bus = new BrokerSettings();
  database = new DatabaseSettings();
  messaging = new MessagingSettings();
  retry = new RetrySettings();
  sealing = new SealingSettings();
  trace = new TraceSettings();
  registry = new RegistrySettings();
  coordination = new CoordinationSettings();
  tasks = new TaskSettings();
  circuit = new CircuitSettings();
  scaling = new ScalingSettings();
  monitor = new MonitorSettings();
  http = new HttpSettings();
  access = new HttpAccessSettings();
  log = new LogSettings();
}
