import { isWhole } from '../checks.js';
import { BrokerOptionsError } from '../errors.js';

/** The options that the adapters of servers have in common. */
export interface ServerOptions {
  /** One URL, or several: tried in turn. */
  readonly url: string | readonly string[];
  /** What the names at the broker begin with; default `agentmq`. */
  readonly namespace?: string;
  /** The most messages that wait in one lane of an inbox; more are refused with `QueueFullError`. Default 10,000. */
  readonly maxQueueSize?: number;
  /** An agent's own inbox that was not read for so long is removed, in ms; default 24 h. */
  readonly agentInboxExpiresMs?: number;
  /**
   * What a broker that is down means to `start`: `fail` rejects with `BrokerUnavailableError` once every URL was tried,
   * `wait` (default) resolves when it is up, `degraded` resolves at once; `consume` then resolves without waiting, too.
   */
  readonly start?: 'fail' | 'wait' | 'degraded';
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
  /** Shown by the broker's tools; default `agentmq`. */
  readonly connectionName?: string;
  /** Told of everything lost and every failed attempt to restore it; by default nothing is called. Must not throw. */
  readonly report?: (problem: Error) => void;
  /** Told, once each, what `status().remarks` has; by default nothing is called. Must not throw. */
  readonly remark?: (remark: string) => void;
  /** How often what is read is looked at, and made again if it was removed, in ms; default 30,000. */
  readonly mendIntervalMs?: number;
}

export type ServerSettings = Required<Omit<ServerOptions, 'url'>> & { readonly urls: readonly string[] };

const DAY_MS = 24 * 60 * 60 * 1000;
const MiB = 1024 * 1024;
/** The longest timer that Node has, in ms. */
export const MAX = 0x7fff_ffff;

/** The most that each may be; the least is 1. */
const limits = {
  maxQueueSize: MAX,
  agentInboxExpiresMs: MAX,
  connectTimeoutMs: MAX,
  reconnectMinMs: MAX,
  reconnectMaxMs: MAX,
  maxUnconfirmed: MAX,
  maxUnconfirmedBytes: Number.MAX_SAFE_INTEGER,
  publishTimeoutMs: MAX,
  maxMessageBytes: MAX,
  mendIntervalMs: MAX,
} as const;

/** These options with their defaults; not checked yet. */
export const serverSettings = ({ url, ...options }: ServerOptions): ServerSettings => ({
  urls: typeof url === 'string' ? [url] : url,
  namespace: options.namespace ?? 'agentmq',
  maxQueueSize: options.maxQueueSize ?? 10_000,
  agentInboxExpiresMs: options.agentInboxExpiresMs ?? DAY_MS,
  start: options.start ?? 'wait',
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
});

/** Throws `BrokerOptionsError` naming every option that is unusable; `own` are the limits of the adapter's own options. */
export function checkSettings<Own extends string>(
  settings: ServerSettings & Readonly<Record<NoInfer<Own>, number>>,
  own: Readonly<Record<Own, number>>,
  urlProblem: (url: string) => string | undefined,
): void {
  const problems: string[] = [];
  if (settings.urls.length === 0) problems.push('url: none is given');
  settings.urls.forEach((url, index) => {
    // The URL itself may hold a password.
    const problem = urlProblem(url);
    if (problem !== undefined) problems.push(`url: number ${index + 1} ${problem}`);
  });
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(settings.namespace)) {
    problems.push(`namespace: "${settings.namespace}" is not 1-64 letters, digits, "_", "-" or "."`);
  }
  const values = settings as unknown as Readonly<Record<string, number>>;
  for (const [name, most] of Object.entries<number>({ ...limits, ...own })) {
    const { [name]: value = NaN } = values;
    if (!isWhole(value, 1, most)) problems.push(`${name}: ${value} is not a whole number from 1 to ${most}`);
  }
  if (problems.length > 0) throw new BrokerOptionsError(problems);
}
