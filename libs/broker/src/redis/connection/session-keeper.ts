import { connectInTurn } from '../../server/connect-in-turn.js';
import { BrokerUnavailableError } from '../../errors.js';
import { Keeper } from '../../server/keeper.js';
import { pause } from 'agentmq/time';
import { Client, isReply } from './client.js';
import type { RedisSettings } from '../options.js';
import { Session } from './session.js';

export interface SessionEvents {
  /** What has to be set up before anything else is done over it. */
  prepare(session: Session): Promise<void>;
  onOpen(session: Session): void;
  onLost(): void;
}

/** Keeps a session with one of the URLs. */
export function sessionKeeper(settings: RedisSettings, events: SessionEvents): Keeper<Session> {
  const open = connectInTurn(settings.urls, async (url) => {
    const session = await Session.open(await serverOf(url, settings), settings);
    try {
      await events.prepare(session);
      return session;
    } catch (error) {
      session.lose(error as Error);
      throw error;
    }
  });
  return new Keeper(settings, { open, onOpen: (session) => events.onOpen(session), onLost: () => events.onLost() });
}

/** The URL of the server that the Sentinel at `url` names; without a `masterName` the URL itself. */
async function serverOf(url: string, settings: RedisSettings): Promise<string> {
  const { masterName } = settings;
  if (masterName === undefined) return url;
  const sentinel = await openSentinel(url, settings);
  try {
    const asking = sentinel.command('SENTINEL', 'get-master-addr-by-name', masterName) as Promise<string[] | null>;
    const address = await Promise.race([asking, pause(settings.connectTimeoutMs, asking)]);
    if (address === undefined) throw new BrokerUnavailableError('a Sentinel did not answer');
    if (!address) throw new BrokerUnavailableError(`a Sentinel knows no "${masterName}"`);
    const [host = '', port = ''] = address;
    const server = new URL(url);
    server.hostname = host.includes(':') ? `[${host}]` : host;
    server.port = port;
    return server.href;
  } finally {
    sentinel.destroy();
  }
}

/** A Sentinel has no databases, and often none of the server's users. */
async function openSentinel(url: string, { connectTimeoutMs, connectionName }: RedisSettings): Promise<Client> {
  const target = new URL(url);
  target.pathname = '';
  const open = (): Promise<Client> => {
    const options = { url: target.href, name: `${connectionName}-sentinel`, connectTimeoutMs };
    return Client.open(options, () => undefined);
  };
  try {
    return await open();
  } catch (error) {
    if (!isReply(error) || target.password === '') throw error;
    [target.username, target.password] = ['', ''];
    return open();
  }
}
