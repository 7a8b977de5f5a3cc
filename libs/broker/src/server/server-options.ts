import { notWhole } from '../checks.js';
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

const MiB = 1024 * 1024;
/** The longest timer that Node has, in ms. */
const MAX = 0x7fff_ffff;

const defaults: Omit<ServerSettings, 'urls'> = {
  namespace: 'agentmq',
  maxQueueSize: 10_000,
  agentInboxExpiresMs: 24 * 60 * 60 * 1000,
  start: 'wait',
  connectTimeoutMs: 10_000,
  reconnectMinMs: 100,
  reconnectMaxMs: 10_000,
  maxUnconfirmed: 10_000,
  maxUnconfirmedBytes: 128 * MiB,
  publishTimeoutMs: 10_000,
  maxMessageBytes: 16 * MiB,
  connectionName: 'agentmq',
  report: () => undefined,
  remark: () => undefined,
  mendIntervalMs: 30_000,
};

/**
 * The options with the defaults of all adapters, and with this adapter's `own`. Throws `BrokerOptionsError` naming every
 * option that is unusable. Numbers are whole, from 1 to what `most` says of them, or else to {@link MAX}.
 */
export function settingsWith<Own extends object>(
  { url, ...options }: ServerOptions,
  own: Own,
  urlProblem: (url: string) => string | undefined,
  most: { readonly [Name in keyof Own]?: number } = {},
): ServerSettings & Own {
  const standard = { ...defaults, ...own };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const urls = typeof url === 'string' ? [url] : url;
  const settings = { ...standard, ...Object.fromEntries(given), urls };
  const problems = urls.length === 0 ? ['url: none is given'] : [];
  urls.forEach((each, index) => {
    // The URL itself may hold a password.
    const problem = urlProblem(each);
    if (problem !== undefined) problems.push(`url: number ${index + 1} ${problem}`);
  });
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(settings.namespace)) {
    problems.push(`namespace: "${settings.namespace}" is not 1-64 letters, digits, "_", "-" or "."`);
  }
  const values = settings as unknown as Readonly<Record<string, number>>;
  const limits: Readonly<Record<string, number>> = { maxUnconfirmedBytes: Number.MAX_SAFE_INTEGER, ...most };
  for (const [name, usual] of Object.entries(standard)) {
    if (typeof usual === 'number') problems.push(...notWhole(name, values[name] ?? NaN, limits[name] ?? MAX));
  }
  if (problems.length > 0) throw new BrokerOptionsError(problems);
  return settings;
}
