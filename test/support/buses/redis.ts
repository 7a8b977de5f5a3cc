import { redisKeys, type RedisCommand, withRedis } from '../redis-command.js';
import { RedisServer } from '../redis-server.js';
import { redisUrl } from '../services.js';
import type { Bus, InboxAt } from './bus.js';

export const redis: Bus = {
  name: 'redis',
  sharedUrl: redisUrl,
  start: () => RedisServer.start(),
  environment: (url) => ({ MESSAGE_BUS_TYPE: 'redis', REDIS_URL: url }),
  waiting: (inbox) =>
    withRedis(inbox.url, async (send) => {
      const streams = await streamsOf(send, inbox);
      return sum(await Promise.all(streams.map((stream) => waitingIn(send, stream))));
    }),
  lose: (inbox, how) =>
    withRedis(inbox.url, async (send) => {
      const streams = await streamsOf(send, inbox);
      const lengths = await Promise.all(streams.map((stream) => send('XLEN', stream)));
      for (const stream of streams)
        await (how === 'purge' ? send('XTRIM', stream, 'MAXLEN', '0') : send('DEL', stream));
      return sum(lengths.map(Number));
    }),
  async occupy(inbox) {
    const stream = await withRedis(inbox.url, async (send) => {
      const [first = ''] = await streamsOf(send, inbox);
      await send('DEL', first);
      await send('SET', first, 'of another use');
      return first;
    });
    return () => withRedis(inbox.url, (send) => send('DEL', stream)).then(() => undefined);
  },
  clear: (url, namespace) =>
    withRedis(url, async (send) => {
      const keys = await redisKeys(send, namespace);
      if (keys.length > 0) await send('DEL', ...keys);
    }),
};

/** The streams of an inbox, which are its lanes. */
async function streamsOf(send: RedisCommand, { namespace, consumer }: InboxAt): Promise<string[]> {
  const keys = (await redisKeys(send, namespace)).filter((key) => key.includes(consumer));
  const types = await Promise.all(keys.map((key) => send('TYPE', key)));
  return keys.filter((_, index) => types[index] === 'stream');
}

/** What no consumer holds: acknowledging takes a message out of its stream. */
async function waitingIn(send: RedisCommand, stream: string): Promise<number> {
  const groups = (await send('XINFO', 'GROUPS', stream)) as readonly { readonly pending: number }[];
  return Number(await send('XLEN', stream)) - sum(groups.map(({ pending }) => pending));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
