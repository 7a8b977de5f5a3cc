import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { topicMatches } from 'agentmq/protocol';
import {
  type Broker,
  type BrokerStatus,
  BrokerUnavailableError,
  NoRecipientError,
  TopologyError,
} from 'agentmq/broker';
import {
  collect,
  declare,
  gate,
  message,
  newAgent,
  newRole,
  numbered,
  type Owner,
  textOf,
  topic,
} from 'agentmq/testing/conformance';
import { freePort, randomNamespace, RedisSentinel, RedisServer, redisUrl, until } from '../../support/index.js';
import type { RedisHarness } from './redis-harness.js';

/** What happens to Redis, or is done to its keys, in ways that no other broker has. */
export function faultCases(harness: RedisHarness): void {
  const streamOf = ({ kind, name }: Owner, ending = ''): string => harness.key(`${kind}.${name}${ending}`);

  it('makes again, soon, what an operator removed: a stream, a group, the bindings, the scripts', async () => {
    const server = await harness.server();
    const broker = await harness.open(server.url);
    const owner = newRole();
    const name = randomNamespace('topic');
    let created = 0;
    const { texts } = await collect(broker, owner, [name], { prefetch: 10, onCreated: () => void created++ });
    const heard: string[] = [];
    await broker.listen([name], (incoming) => void heard.push(textOf(incoming)));
    const removals: string[][] = [
      ['DEL', streamOf(owner, '.high')],
      ['XGROUP', 'DESTROY', streamOf(owner), 'agentmq'],
      ['DEL', harness.key('bindings')],
      ['DEL', harness.key('holders')],
      ['SCRIPT', 'FLUSH'],
      ['FLUSHALL'],
    ];
    for (const removal of removals) {
      await server.command(...removal);
      for (const priority of [5, 9]) {
        const text = `${removal[0]} ${removal[1] ?? ''} ${priority}`;
        await until(`${text} to come, and to be heard`, async () => {
          await broker.publish(message(topic(name), text, { priority }));
          return texts().includes(text) && heard.includes(text);
        });
      }
    }
    expect(created).toBe(3);
    expect(broker.status().remarks?.join()).toMatch(/the binding was missing at/);
    expect(broker.faults()).toEqual([]);
  });

  it('tells of an inbox that it makes again while it looks after its readers', async () => {
    const broker = await harness.open(redisUrl(), { leaseMs: 60_000 });
    const owner = newRole();
    let created = 0;
    await collect(broker, owner, [], { prefetch: 10, onCreated: () => void created++ });
    await harness.foreign((client) => client.del(streamOf(owner)));
    await expect(broker.publish(message(owner, 'x'))).rejects.toBeInstanceOf(NoRecipientError);
    await until('it is told', () => created === 2);
  });

  it('does not let one whose lease has ended acknowledge what another has', async () => {
    const proxy = await harness.proxy(redisUrl());
    const brief = { leaseMs: 300 };
    const late = await harness.open(proxy.through(redisUrl()), brief);
    const owner = newRole();
    const [first, second] = [gate(), gate()];
    let calls = 0;
    await late.consume({ owner, topics: [] }, { prefetch: 1 }, () => (calls++ === 0 ? first.passed : second.passed));
    await late.publish(message(owner, 'x'));
    await until('the first has it', () => calls === 1);
    proxy.freeze();
    first.open();
    const other = await harness.open(redisUrl(), brief);
    let taken = 0;
    await other.consume({ owner, topics: [] }, { prefetch: 1 }, () => (taken++, second.passed));
    await until('the other has it', () => taken === 1);
    const holders = (): Promise<string[]> => harness.foreign((client) => client.zRange(harness.key('holders'), 0, -1));
    proxy.thaw();
    await until('both read', async () => (await holders()).length === 2);
    expect(await lengthOf(streamOf(owner))).toBe(1);
    second.open();
    await until('it is acknowledged', async () => (await lengthOf(streamOf(owner))) === 0);
  });

  it('remembers routes in bounded memory', async () => {
    const broker = await harness.open(redisUrl());
    const name = randomNamespace('topic');
    await harness.foreign(async (client) => {
      const others = Object.fromEntries(numbered(6_000).map((each) => [each, '']));
      await client.hSet(harness.key('routes'), others);
      await client.hSet(harness.key('bindings'), `role.${'x'.repeat(500)}`, name);
    });
    await broker.publish(message(topic(name), 'x'));
    expect(await harness.foreign((client) => client.hKeys(harness.key('routes')))).toEqual([name]);
  });

  it('shows that Redis is out of memory, lets publications wait for a bounded time, and acknowledges meanwhile', async () => {
    const server = await harness.server();
    const broker = await harness.open(server.url, { publishTimeoutMs: 30_000 });
    const impatient = await harness.open(server.url, { publishTimeoutMs: 500 });
    const owner = newRole();
    const hold = gate();
    const handled: string[] = [];
    await broker.consume({ owner, topics: [] }, { prefetch: 5 }, async (incoming) => {
      await hold.passed;
      handled.push(textOf(incoming));
    });
    for (const text of numbered(20)) await broker.publish(message(owner, text));
    await server.exhaustMemory();
    const waiting = broker.publish(message(owner, 'waits'));
    await expect(impatient.publish(message(owner, 'impatient'))).rejects.toThrow(/blocked: OOM/);
    expect(impatient.status()).toMatchObject({ connected: true, blocked: true });
    hold.open();
    await until('all that is there', () => handled.length === 20);
    await until('it is acknowledged', async () => (await server.command('XLEN', streamOf(owner))) === 0);
    const late = await harness.open(server.url);
    await collect(late, newRole());
    await server.relieveMemory();
    await waiting;
    await until('what waited', () => handled.includes('waits'));
    await until('it is not blocked', () => !broker.status().blocked && !impatient.status().blocked);
  });

  it('notices a peer that fell silent', async () => {
    const proxy = await harness.proxy(redisUrl());
    const broker = await harness.open(proxy.through(redisUrl()), { silenceMs: 400, connectTimeoutMs: 400 });
    const owner = newRole();
    const { received } = await collect(broker, owner);
    proxy.freeze();
    const published = broker.publish(message(owner, 'x'));
    await until('it is noticed', () => !broker.status().connected);
    proxy.thaw();
    await published;
    await until('the message', () => received.length >= 1);
  });

  it('is closed soon though its peer fell silent', async () => {
    const proxy = await harness.proxy(redisUrl());
    const broker = await harness.open(proxy.through(redisUrl()));
    await collect(broker, newRole());
    await broker.listen(['market.#'], () => undefined);
    proxy.freeze();
    const begun = Date.now();
    await broker.close(100);
    expect(Date.now() - begun).toBeLessThan(5_000);
  });

  it('takes nothing from a holder that is slow and alive', async () => {
    const [slow, idle] = [await harness.open(redisUrl(), { leaseMs: 300 }), await harness.open(redisUrl())];
    const owner = newRole();
    const ended = gate();
    let calls = 0;
    await slow.consume({ owner, topics: [] }, { prefetch: 1 }, () => {
      calls++;
      return ended.passed;
    });
    await slow.publish(message(owner, 'x'));
    await until('it is handled', () => calls === 1);
    const { received } = await collect(idle, owner);
    // The namespace is tended once a second: whatever were to be taken would be by then.
    const from = Date.now();
    await until('several leases are over', () => Date.now() > from + 1_600);
    ended.open();
    await until('it is acknowledged', () => lengthOf(streamOf(owner)).then((length) => length === 0));
    expect([calls, received.length]).toEqual([1, 0]);
  });

  it('does not use a key of another type, and lets it hinder no other inbox', async () => {
    const broker = await harness.open(redisUrl());
    const name = randomNamespace('topic');
    const [broken, whole] = [newRole(), newRole()];
    await declare(broker, broken, [name]);
    const { texts } = await collect(broker, whole, [name]);
    await harness.foreign(async (client) => {
      await client.del(streamOf(broken));
      await client.set(streamOf(broken), 'text');
      await client.set(harness.key('dead-letter'), 'text');
    });
    await broker.publish(message(topic(name), 'x'));
    await until('it comes', () => texts().includes('x'));
    await expect(broker.publish(message(broken, 'x'))).rejects.toBeInstanceOf(NoRecipientError);
    await expect(collect(broker, broken)).rejects.toThrow(/role\..*: the key is a string, no stream/);
    await expect(broker.consumeDeadLetters({ prefetch: 1 }, async () => undefined)).rejects.toBeInstanceOf(
      TopologyError,
    );
  });

  it('tells the fault while an inbox can’t be made again', async () => {
    const broker = await harness.open(redisUrl());
    const owner = newRole();
    const { received } = await collect(broker, owner);
    await harness.foreign(async (client) => {
      await client.del(streamOf(owner));
      await client.set(streamOf(owner), 'text');
    });
    await until('the lost consumer is told', () => broker.faults().some(({ kind }) => kind === 'consumer_lost'));
    await harness.foreign((client) => client.del(streamOf(owner)));
    await until('it is not any more', () => broker.faults().length === 0 && broker.status().connected);
    await broker.publish(message(owner, 'x'));
    await until('the message', () => received.length === 1);
  });

  it('removes an agent’s inbox that is not read, and what a dead listener left behind, but not what is in use', async () => {
    const brief = { agentInboxExpiresMs: 1_500, leaseMs: 300 };
    const proxy = await harness.proxy(redisUrl());
    const [broker, mortal] = [
      await harness.open(redisUrl(), brief),
      await harness.open(proxy.through(redisUrl()), brief),
    ];
    const [left, used, paused] = [newAgent(), newAgent(), newAgent()];
    (await collect(broker, paused)).consumer.pause();
    await declare(broker, left, ['left.#']);
    await collect(broker, used);
    await mortal.listen(['market.#'], () => undefined);
    proxy.refuse();
    proxy.cut();
    await until('it is removed', async () => (await broker.inboxSize(left)) === undefined);
    const bound = (): Promise<string[]> => harness.foreign((client) => client.hKeys(harness.key('bindings')));
    const kept = [used, paused].map(({ name }) => `agent.${name}`).toSorted();
    await until('those that are in use to be alone', async () => (await bound()).toSorted().join() === kept.join());
  });

  it('routes as every other broker does', async () => {
    const broker = await harness.open(redisUrl());
    const word = fc.constantFrom('a', 'b', 'c', '*', '#');
    const patterns = fc.sample(fc.array(word, { minLength: 1, maxLength: 5 }), 60).map((words) => words.join('.'));
    const heard = patterns.map((): string[] => []);
    for (const [index, pattern] of patterns.entries()) {
      await broker.listen([pattern], ({ recipient }) => void heard[index]?.push(recipient.name));
    }
    const plain = fc.constantFrom('a', 'b', 'c', 'aa');
    const names = fc.sample(fc.array(plain, { minLength: 1, maxLength: 5 }), 60).map((words) => words.join('.'));
    // Each topic twice: routed anew, and from what is remembered.
    const published = [...names, ...names];
    for (const name of published) await broker.publish(message(topic(name), 'x'));
    const expected = patterns.map((pattern) => published.filter((name) => topicMatches(pattern, name)));
    const count = (lists: readonly string[][]): number => lists.flat().length;
    await until('all', () => count([...heard]) >= count(expected));
    expect(heard).toEqual(expected);
  });

  it('takes what a foreign client adds to a stream, whatever it lacks', async () => {
    const broker = await harness.open(redisUrl());
    const owner = newRole();
    const { received } = await collect(broker, owner);
    const full = JSON.stringify({ messageId: 'm-1', priority: 'high', headers: { 'x-a': 1 } });
    const added: Record<string, string>[] = [
      { some: 'thing' },
      { to: 'nonsense', properties: '{broken', body: 'b' },
      { to: 'topic:market.a', properties: full, body: 'c', expires: 'never' },
    ];
    await harness.foreign(async (client) => {
      for (const fields of added) await client.xAdd(streamOf(owner), '*', fields);
    });
    await until('all three', () => received.length === 3);
    const empty = { properties: { headers: {} }, recipient: owner, redelivered: false };
    expect(received).toEqual([
      { ...empty, body: Buffer.alloc(0) },
      { ...empty, body: Buffer.from('b') },
      {
        properties: { messageId: 'm-1', headers: { 'x-a': 1 } },
        recipient: topic('market.a'),
        redelivered: false,
        body: Buffer.from('c'),
      },
    ]);
  });

  it('leaves nothing of what was acknowledged, and of a consumer that was closed', async () => {
    const broker = await harness.open(redisUrl());
    const owner = newRole();
    const { received, consumer } = await collect(broker, owner);
    await Promise.all(
      numbered(500).map((text, index) => broker.publish(message(owner, text, { priority: index % 11 }))),
    );
    await until('all', () => received.length === 500);
    await consumer.close();
    for (const ending of ['', '.high']) {
      const info = await harness.foreign((client) => client.xInfoConsumers(streamOf(owner, ending), 'agentmq'));
      expect(info).toEqual([]);
      expect(await lengthOf(streamOf(owner, ending))).toBe(0);
    }
    const [holders, waiting] = await harness.foreign((client) =>
      Promise.all([client.exists(harness.key('holders')), client.exists(harness.key(`waiting.role.${owner.name}`))]),
    );
    expect([holders, waiting]).toEqual([0, 0]);
  });

  const lengthOf = (key: string): Promise<number> => harness.foreign((client) => client.xLen(key));
}

/** How it starts, and what it says of the server. */
export function startCases(harness: RedisHarness): void {
  it('start "fail" rejects when no URL answers, and with a password that is wrong, without telling it', async () => {
    const dead = `redis://127.0.0.1:${await freePort()}`;
    const begun = Date.now();
    await expect(harness.open([dead, dead], { start: 'fail' })).rejects.toThrow(/ECONNREFUSED.*; .*ECONNREFUSED/);
    const stranger = new URL(redisUrl());
    [stranger.username, stranger.password] = ['nobody', 'secret-word'];
    const refused = harness.open(stranger.href, { start: 'fail' });
    await expect(refused).rejects.toBeInstanceOf(BrokerUnavailableError);
    await expect(refused).rejects.toThrow(/^(?!.*secret-word).*WRONGPASS/);
    expect(() => harness.create('redis://:secret-word@127.0.0.1/none')).toThrow(
      /^(?!.*secret-word).*names no database/,
    );
    expect(Date.now() - begun).toBeLessThan(8_000);
    const next = await harness.open([dead, redisUrl()], { start: 'fail' });
    expect(next.status().connected).toBe(true);
  });

  it('start "degraded" resolves without Redis; what is asked of it happens when it comes up', async () => {
    const proxy = await harness.proxy(redisUrl());
    proxy.refuse();
    const broker = await harness.open(proxy.through(redisUrl()), { start: 'degraded' });
    const status: BrokerStatus = { type: 'redis', connected: false, sends: false, blocked: false };
    expect(broker.status()).toMatchObject(status);
    const owner = newRole();
    const { received } = await collect(broker, owner);
    const heard: string[] = [];
    await broker.listen(['market.#'], (incoming) => void heard.push(textOf(incoming)));
    await declare(await harness.open(redisUrl()), owner);
    const published = broker.publish(message(owner, 'x'));
    await expect(broker.deleteInbox(owner)).rejects.toBeInstanceOf(BrokerUnavailableError);
    await expect(broker.inboxSize(owner)).rejects.toBeInstanceOf(BrokerUnavailableError);
    await proxy.accept();
    await published;
    await until('the message', () => received.map(textOf).includes('x'));
    await until('it listens', () => broker.status().connected);
    await broker.publish(message(topic('market.a'), 'y'));
    await until('it is heard', () => heard.includes('y'));
  });

  it('gives up a publication that could not be sent in time, and closes while it is not connected', async () => {
    const dead = `redis://127.0.0.1:${await freePort()}`;
    const broker = await harness.open(dead, { start: 'degraded', publishTimeoutMs: 200 });
    await expect(broker.publish(message(newRole(), 'x'))).rejects.toThrow(/not connected/);
    const outcome = broker.publish(message(newRole(), 'y')).catch((error: unknown) => error);
    await broker.close(50);
    expect(await outcome).toMatchObject({ code: 'BROKER_CLOSED' });
    const waiting: Broker = harness.create(dead, { start: 'wait' });
    const starting = waiting.start().catch((error: unknown) => error);
    await waiting.close();
    expect(await starting).toMatchObject({ code: 'BROKER_CLOSED' });
  });

  it.each(['of a server', 'of a Sentinel'])(
    'passes over a URL %s that falls silent after its first answers',
    async (of) => {
      const silent = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', (data) => {
          for (const [, command] of String(data).matchAll(/\*\d+\r\n\$\d+\r\n(HELLO|CLIENT)/g))
            socket.write(command === 'HELLO' ? '%1\r\n+server\r\n+redis\r\n' : '+OK\r\n');
        });
      });
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      try {
        const url = `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`;
        const options = of === 'of a Sentinel' ? { masterName: 'main' } : {};
        const brief = { start: 'fail', connectTimeoutMs: 300, silenceMs: 300 } as const;
        await expect(harness.open(url, { ...options, ...brief })).rejects.toBeInstanceOf(BrokerUnavailableError);
      } finally {
        silent.close();
      }
    },
  );

  it('goes to the server that a Sentinel names, and to the next one when that is dead', async () => {
    const first = await RedisServer.start({ config: ['repl-diskless-sync-delay 0'] });
    const second = await RedisServer.start({ config: [`replicaof 127.0.0.1 ${first.port}`] });
    const sentinel = await RedisSentinel.watch('main', first);
    try {
      const known = (): Promise<string> =>
        harness
          .foreign((client) => client.sendCommand(['SENTINEL', 'replicas', 'main']), sentinel.url)
          .then((replicas) => JSON.stringify(replicas));
      await until('the Sentinel to know the replica', async () => (await known()).includes(String(second.port)));
      await until('the replica to have the data', async () =>
        String(await second.command('INFO', 'replication')).includes('master_link_status:up'),
      );
      const dead = `redis://127.0.0.1:${await freePort()}`;
      const withUser = sentinel.url.replace('//', '//nobody:secret-word@');
      await expect(harness.open(withUser, { masterName: 'main', start: 'fail' })).rejects.toThrow(/WRONGPASS/);
      await expect(harness.open(second.url, { start: 'fail' })).rejects.toThrow(/READONLY/);
      const options = { masterName: 'main', publishTimeoutMs: 20_000 };
      const broker = await harness.open([dead, sentinel.url], options);
      const owner = newRole();
      const { texts } = await collect(broker, owner);
      await broker.publish(message(owner, 'before'));
      await until('the first', () => texts().includes('before'));
      // What a replica does not have yet is lost with the server: here that would be the inbox.
      await until(
        'the replica to have all keys',
        async () => Number(await second.command('DBSIZE')) === Number(await first.command('DBSIZE')),
      );
      await first.kill();
      await broker.publish(message(owner, 'after'));
      await until('the second', () => texts().includes('after'));
      const stranger = harness.open(sentinel.url, { masterName: 'other', start: 'fail' });
      await expect(stranger).rejects.toThrow(/knows no "other"/);
    } finally {
      await Promise.all([sentinel.stop(), first.stop(), second.stop()]);
    }
  }, 60_000);

  it('remarks on a server that may evict messages, or keeps none over a restart', async () => {
    const server = await harness.server();
    const good = await harness.open(server.url);
    expect(good.status()).not.toHaveProperty('remarks');
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru', 'appendonly', 'no');
    const told: string[] = [];
    const broker = await harness.open(server.url, { remark: (remark) => void told.push(remark) });
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'appendonly', 'yes');
    expect(told.join('\n')).toMatch(/maxmemory-policy is allkeys-lru[^]*appendonly is no/);
    expect(broker.status().remarks).toEqual(told);
  });
}
