import { type ServerOptions, type ServerSettings, settingsWith } from '../server/server-options.js';

export interface RedisOptions extends ServerOptions {
  /**
   * `redis:` or `rediss:` (TLS), with user, password and number of the database. Several are tried in turn; with
   * `masterName` they are those of Sentinels, which are asked for the server.
   */
  readonly url: string | readonly string[];
  /** The name that the Sentinels know the server by. */
  readonly masterName?: string;
  /** A consumer that Redis has not heard of for so long counts as dead, and other consumers get what it held, in ms; default 10,000. */
  readonly leaseMs?: number;
  /** A server that does not answer for so long counts as gone, in ms; default 10,000. */
  readonly silenceMs?: number;
}

export type RedisSettings = ServerSettings &
  Required<Pick<RedisOptions, 'leaseMs' | 'silenceMs'>> & { readonly masterName: string | undefined };

/** The options with their defaults. Throws `BrokerOptionsError` naming every option that is unusable. */
export const settingsOf = (options: RedisOptions): RedisSettings =>
  settingsWith(options, { masterName: undefined, leaseMs: 10_000, silenceMs: 10_000 }, urlProblem);

function urlProblem(url: string): string | undefined {
  const { protocol, pathname } = URL.canParse(url) ? new URL(url) : { protocol: '', pathname: '' };
  if (protocol !== 'redis:' && protocol !== 'rediss:') return 'is no redis: or rediss: URL';
  return /^(\/\d{0,6})?$/.test(pathname) ? undefined : 'names no database: its path is not a whole number';
}
