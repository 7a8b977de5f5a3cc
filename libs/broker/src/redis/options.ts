import { isWhole } from '../checks.js';
import { BrokerOptionsError } from '../errors.js';

export interface RedisOptions {
  /**
   * `redis:` or `rediss:` (TLS), with user, password and number of the database. Several are tried in turn; with
   * `masterName` they are those of Sentinels, which are asked for the server.
   */
  readonly url: string | readonly string[];
  /** The name that the Sentinels know the server by. */
  readonly masterName?: string;
  /** What the names of keys and channels begin with, in braces; default `agentmq`. */
  readonly namespace?: string;
  /** The most messages that wait in one lane of an inbox; a publisher with this limit refuses more with `QueueFullError`. Default 10,000. */
  readonly maxQueueSize?: number;
  /** An agent's own inbox that nobody has read for so long is removed, in ms; default 24 h. */
  readonly agentInboxExpiresMs?: number;
  /**
   * What a broker that is down means to `start`: `fail` rejects with `BrokerUnavailableError` once every URL was tried,
   * `wait` (default) resolves when it is up, `degraded` resolves at once; `consume` then resolves without waiting, too.
   */
  readonly start?: 'fail' | 'wait' | 'degraded';
  /** A consumer that Redis has not heard of for so long counts as dead, and others get what it held, in ms; default 10,000. */
  readonly leaseMs?: number;
  /** A server that does not answer for so long counts as gone, in ms; default 10,000. */
  readonly silenceMs?: number;
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
  /** Shown by `CLIENT LIST`; default `agentmq`. */
  readonly connectionName?: string;
  /** Told of every lost connection and inbox and every failed attempt to restore one; by default nothing is called. Must not throw. */
  readonly report?: (problem: Error) => void;
  /** Told, once each, what `status().remarks` has; by default nothing is called. Must not throw. */
  readonly remark?: (remark: string) => void;
  /** How often bindings are made again, should they have been changed, in ms; default 30,000. */
  readonly mendIntervalMs?: number;
}

export type RedisSettings = Required<Omit<RedisOptions, 'url' | 'masterName'>> & {
  readonly urls: readonly string[];
  readonly masterName: string | undefined;
};

const DAY_MS = 24 * 60 * 60 * 1000;
const MiB = 1024 * 1024;

/** The options with their defaults. Throws `BrokerOptionsError` naming every option that is unusable. */
export function settingsOf({ url, ...options }: RedisOptions): RedisSettings {
  const settings: RedisSettings = {
    urls: typeof url === 'string' ? [url] : url,
    masterName: options.masterName,
    namespace: options.namespace ?? 'agentmq',
    maxQueueSize: options.maxQueueSize ?? 10_000,
    agentInboxExpiresMs: options.agentInboxExpiresMs ?? DAY_MS,
    start: options.start ?? 'wait',
    leaseMs: options.leaseMs ?? 10_000,
    silenceMs: options.silenceMs ?? 10_000,
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

function problemsOf(settings: RedisSettings): string[] {
  const problems: string[] = [];
  if (settings.urls.length === 0) problems.push('url: none is given');
  settings.urls.forEach((url, index) => {
    // The URL itself may hold a password.
    const problem = urlProblem(url);
    if (problem) problems.push(`url: number ${index + 1} ${problem}`);
  });
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(settings.namespace)) {
    problems.push(`namespace: "${settings.namespace}" is not 1-64 letters, digits, "_", "-" or "."`);
  }
  const MAX = 0x7fff_ffff;
  const limits = {
    maxQueueSize: MAX,
    agentInboxExpiresMs: MAX,
    leaseMs: MAX,
    silenceMs: MAX,
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

function urlProblem(url: string): string | undefined {
  const { protocol, pathname } = URL.canParse(url) ? new URL(url) : { protocol: '', pathname: '' };
  if (protocol !== 'redis:' && protocol !== 'rediss:') return 'is no redis: or rediss: URL';
  return /^(\/\d{0,6})?$/.test(pathname) ? undefined : 'names no database: its path is not a whole number';
}
