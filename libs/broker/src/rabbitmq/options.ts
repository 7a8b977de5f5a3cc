import { isWhole } from '../checks.js';
import { BrokerOptionsError } from '../errors.js';

export interface RabbitMqOptions {
  /** One URL, or those of a cluster's nodes: tried in turn. `amqps:` for TLS. */
  readonly url: string | readonly string[];
  /** What the names of exchanges and queues begin with; default `agentmq`. */
  readonly namespace?: string;
  /** Default `quorum`. A queue that exists is used as it is, with a remark. */
  readonly queueType?: 'quorum' | 'classic';
  /**
   * The most messages that wait in one lane of an inbox; more are refused with `QueueFullError`. Default 10,000.
   * RabbitMQ counts a moment late: some more than this may be taken from fast publishers.
   */
  readonly maxQueueSize?: number;
  /** An agent's own inbox that nobody has read for so long is removed, in ms; default 24 h. */
  readonly agentInboxExpiresMs?: number;
  /**
   * What a broker that is down means to `start`: `fail` rejects with `BrokerUnavailableError` once every URL was tried,
   * `wait` (default) resolves when it is up, `degraded` resolves at once; `consume` then resolves without waiting, too.
   */
  readonly start?: 'fail' | 'wait' | 'degraded';
  /** A peer that is silent for about twice as long counts as gone, in s; default 10. A `heartbeat` in the URL wins. */
  readonly heartbeatSeconds?: number;
  /** How long connecting to one URL may take, in ms; default 10,000. */
  readonly connectTimeoutMs?: number;
  /** The first and the longest delay between attempts to reconnect, in ms; default 100 and 10,000. Jittered. */
  readonly reconnectMinMs?: number;
  readonly reconnectMaxMs?: number;
  /** The most publications sent and not confirmed; more wait. Default 10,000. */
  readonly maxUnconfirmed?: number;
  /** The most bytes of bodies sent and not confirmed; more wait. Default 128 MiB. */
  readonly maxUnconfirmedBytes?: number;
  /** How long a publication may wait to be sent and confirmed before `BrokerUnavailableError`, in ms; default 10,000. */
  readonly publishTimeoutMs?: number;
  /** The largest body; default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** Shown by RabbitMQ's tools; default `agentmq`. */
  readonly connectionName?: string;
  /** Told of every lost connection and channel and every failed attempt to restore one; by default nothing is called. Must not throw. */
  readonly report?: (problem: Error) => void;
  /** Told, once each, what `status().remarks` has; by default nothing is called. Must not throw. */
  readonly remark?: (remark: string) => void;
  /** How often exchanges and bindings are looked at, and made again if they were removed, in ms; default 30,000. */
  readonly mendIntervalMs?: number;
}

export type RabbitMqSettings = Required<Omit<RabbitMqOptions, 'url'>> & { readonly urls: readonly string[] };

const DAY_MS = 24 * 60 * 60 * 1000;
const MiB = 1024 * 1024;

/** The options with their defaults. Throws `BrokerOptionsError` naming every option that is unusable. */
export function settingsOf({ url, ...options }: RabbitMqOptions): RabbitMqSettings {
  const settings: RabbitMqSettings = {
    urls: typeof url === 'string' ? [url] : url,
    namespace: options.namespace ?? 'agentmq',
    queueType: options.queueType ?? 'quorum',
    maxQueueSize: options.maxQueueSize ?? 10_000,
    agentInboxExpiresMs: options.agentInboxExpiresMs ?? DAY_MS,
    start: options.start ?? 'wait',
    heartbeatSeconds: options.heartbeatSeconds ?? 10,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    reconnectMinMs: options.reconnectMinMs ?? 100,
    reconnectMaxMs: options.reconnectMaxMs ?? 10_000,
    maxUnconfirmed: options.maxUnconfirmed ?? 10_000,
    maxUnconfirmedBytes: options.maxUnconfirmedBytes ?? 128 * MiB,
    publishTimeoutMs: options.publishTimeoutMs ?? 10_000,
    maxMessageBytes: options.maxMessageBytes ?? 16 * MiB,
    connectionName: options.connectionName ?? 'agentmq',
    report: options.report ?? (() => undefined),
    remark: options.remark ?? (() => undefined),
    mendIntervalMs: options.mendIntervalMs ?? 30_000,
  };
  const problems = problemsOf(settings);
  if (problems.length > 0) throw new BrokerOptionsError(problems);
  return settings;
}

function problemsOf(settings: RabbitMqSettings): string[] {
  const problems: string[] = [];
  if (settings.urls.length === 0) problems.push('url: none is given');
  settings.urls.forEach((url, index) => {
    const protocol = URL.canParse(url) ? new URL(url).protocol : '';
    // The URL itself may hold a password.
    if (protocol !== 'amqp:' && protocol !== 'amqps:')
      problems.push(`url: number ${index + 1} is no amqp: or amqps: URL`);
  });
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(settings.namespace)) {
    problems.push(`namespace: "${settings.namespace}" is not 1-64 letters, digits, "_", "-" or "."`);
  }
  const MAX = 0x7fff_ffff;
  const limits = {
    maxQueueSize: MAX,
    agentInboxExpiresMs: MAX,
    heartbeatSeconds: 0xffff,
    connectTimeoutMs: MAX,
    reconnectMinMs: MAX,
    reconnectMaxMs: MAX,
    maxUnconfirmed: MAX,
    maxUnconfirmedBytes: Number.MAX_SAFE_INTEGER,
    publishTimeoutMs: MAX,
    maxMessageBytes: MAX,
    mendIntervalMs: MAX,
  } as const;
  for (const [name, most] of Object.entries(limits)) {
    const value = settings[name as keyof typeof limits];
    if (!isWhole(value, 1, most)) problems.push(`${name}: ${value} is not a whole number from 1 to ${most}`);
  }
  return problems;
}
