import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Agent, AgentClient, Ctx, Handle, MessageContext } from 'agentmq/agent';
import { Broker } from 'agentmq/broker';
import { Contract, type Envelope, toTopic, type WireProperties } from 'agentmq/protocol';
import { BusStoppedError, MessageBus } from 'agentmq/messaging';
import { IsInt } from 'class-validator';
import { TcpProxy, testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'pulse' })
class Pulse {
  @IsInt()
  n!: number;
}

@Contract({ type: 'start_pulse', transactional: true })
class StartPulse {
  @IsInt()
  n!: number;
}

@Agent({ role: 'listener' })
class Listening {}

const TTL = { ttl: 60_000 };

interface Heard {
  readonly pulse: Pulse;
  readonly message: Envelope;
}

async function hear(agent: INestApplicationContext, ...topics: string[]) {
  const heard: Heard[] = [];
  const listener = await agent.get(MessageBus).listen(topics, Pulse, (pulse, message) => {
    heard.push({ pulse, message });
  });
  return { listener, heard, numbers: () => heard.map(({ pulse }) => pulse.n) };
}

describe.each(['in_memory', testBus.name])('control messages (%s)', (busType) => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: busType });
  const started: { id: string; traceparent: string | undefined }[] = [];
  let one: INestApplicationContext;
  let other: INestApplicationContext;

  @Agent({ role: 'pulser' })
  class Pulser {
    constructor(private readonly bus: MessageBus) {}

    @Handle(StartPulse)
    start({ n }: StartPulse, @Ctx() { message }: MessageContext): void {
      started.push({ id: message.messageId, traceparent: message.trace?.traceparent });
      this.bus.announce('flow.begun', Pulse, { n }, TTL);
    }
  }

  beforeAll(async () => {
    one = await system.start({ id: 'pulser-1', controllers: [Pulser] });
    other = await system.start({ id: 'listener-1', controllers: [Listening] });
  });
  afterAll(() => system.close());

  it('are heard by all that listen, and stored nowhere', async () => {
    const all = [await hear(one, 'all.*'), await hear(other, 'all.*', 'none')];
    one.get(MessageBus).announce('all.a', Pulse, { n: 7 }, TTL);
    await until('both', () => all.every(({ heard }) => heard.length === 1));
    for (const { heard } of all) {
      expect(heard[0]?.pulse).toBeInstanceOf(Pulse);
      expect(heard[0]?.message).toMatchObject({
        sender: 'pulser-1',
        recipient: { kind: 'topic', name: 'all.a' },
        type: 'pulse',
        ttl: TTL.ttl,
        transient: true,
        trace: { traceparent: expect.stringMatching(/^00-/) },
      });
    }
    expect(await system.store.history.find(all[0]?.heard[0]?.message.messageId ?? '')).toBeUndefined();
  });

  it('are dropped when they are expired, unknown, or break their contract; what the handler throws ends nothing', async () => {
    const { numbers } = await hear(other, 'odd');
    const thrown: number[] = [];
    await other.get(MessageBus).listen(['odd'], Pulse, ({ n }) => {
      thrown.push(n);
      throw new Error('of the handler');
    });
    const broker = one.get(Broker);
    const publish = (body: string, given: Partial<WireProperties> = {}): Promise<void> => {
      const properties = { type: 'pulse', headers: {}, ...given };
      return broker.publish({
        recipient: toTopic('odd'),
        mandatory: true,
        persistent: false,
        body: Buffer.from(body),
        properties,
      });
    };
    await publish('{"n":1}', { headers: { 'agentmq-expires-at': '2020-01-01T00:00:00Z' } });
    await publish('{"n":2}', { headers: { 'agentmq-expires-at': 'tomorrow' } });
    await publish('{"n":3}', { headers: { 'agentmq-version': 2 } });
    await publish('{"n":4}', { type: 'other' });
    await publish('{"n":5.5}');
    await publish('{"n":6');
    await publish('{"n":7}');
    await publish('{"n":8}', { headers: { 'agentmq-expires-at': new Date(Date.now() + 60_000).toISOString() } });
    await until('the good ones', () => numbers().length >= 2 && thrown.length >= 2);
    expect(numbers()).toEqual([7, 8]);
    expect(thrown).toEqual([7, 8]);
  });

  it('sent by a handler belong to its flow; who hears them is in none', async () => {
    const bus = other.get(MessageBus);
    await bus.listen(['flow.begun'], Pulse, ({ n }) => bus.announce('flow.heard', Pulse, { n }, TTL));
    const { heard } = await hear(other, 'flow.*');
    const { messageId } = await other.get(AgentClient).send({ role: 'pulser' }, StartPulse, { n: 1 });
    await until('both', () => heard.length === 2);
    const [begun, answer] = heard.map(({ message }) => message);
    expect(started.map(({ id }) => id)).toEqual([messageId]);
    expect(begun).toMatchObject({ sender: 'pulser-1', causationId: messageId });
    expect(begun?.trace?.traceparent.slice(3, 35)).toBe(started[0]?.traceparent?.slice(3, 35));
    expect(answer?.sender).toBe('listener-1');
    expect(answer?.causationId).toBeUndefined();
    expect(answer?.trace?.traceparent.slice(3, 35)).not.toBe(started[0]?.traceparent?.slice(3, 35));
  });

  it('are not heard any more once the listener is closed, or its agent stops receiving', async () => {
    const last = await system.start({ id: 'listener-2', controllers: [Listening] });
    const [closed, stopped] = [await hear(last, 'end'), await hear(last, 'end')];
    const witness = await hear(other, 'end');
    const announce = (n: number): void => one.get(MessageBus).announce('end', Pulse, { n }, TTL);
    announce(1);
    await until('all three', () => [closed, stopped, witness].every(({ heard }) => heard.length === 1));
    await closed.listener.close();
    announce(2);
    await until('the two', () => [stopped, witness].every(({ heard }) => heard.length === 2));
    await last.get(MessageBus).stopReceiving(1_000);
    announce(3);
    await until('the last', () => witness.heard.length === 3);
    expect([closed.numbers(), stopped.numbers()]).toEqual([[1], [1, 2]]);
    await expect(hear(last, 'end')).rejects.toBeInstanceOf(BusStoppedError);
    await expect(hear(other, 'no pattern')).rejects.toThrow(/^pattern: /);
  });
});

describe('an announcement while the broker is away', () => {
  const system = new TestSystem();
  let proxy: TcpProxy;
  afterAll(async () => {
    await system.close();
    await proxy.close();
  });

  it('is no error, and does not arrive later', async () => {
    const [url = ''] = system.settings.bus.urls;
    proxy = await TcpProxy.before(url);
    const away = await system.start({ id: 'away-1', controllers: [Listening], urls: [proxy.through(url)] });
    const here = await system.start({ id: 'here-1', controllers: [Listening] });
    const heard = [await hear(here, 'away'), await hear(away, 'away')];
    const bus = away.get(MessageBus);
    bus.announce('away', Pulse, { n: 1 }, TTL);
    await until('the first', () => heard.every(({ numbers }) => numbers().length === 1));
    proxy.refuse();
    proxy.cut();
    await until('the loss', () => !away.get(Broker).status().connected);
    bus.announce('away', Pulse, { n: 2 }, TTL);
    await proxy.accept();
    await until('the return', () => away.get(Broker).status().connected);
    bus.announce('away', Pulse, { n: 3 }, TTL);
    await until('the next', () => heard.every(({ numbers }) => numbers().includes(3)));
    expect(heard.map(({ numbers }) => numbers())).toEqual([
      [1, 3],
      [1, 3],
    ]);
  });
});
