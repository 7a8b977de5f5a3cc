import { type Broker, BrokerClosedError, type Consumer, type Incoming, NoRecipientError } from 'agentmq/broker';
import type { BrokerHarness } from './harness.js';
import {
  collect,
  everyone,
  gate,
  message,
  newAgent,
  newRole,
  numbered,
  textOf,
  topic,
  uniqueName,
} from './messages.js';
import type { TestRunner } from './runner.js';
import { until } from './until.js';

interface Heard {
  readonly listener: Consumer;
  readonly received: Incoming[];
  texts(): string[];
}

/** Listens and keeps what it hears. */
async function hear(broker: Broker, topics: readonly string[]): Promise<Heard> {
  const received: Incoming[] = [];
  const listener = await broker.listen(topics, (incoming) => void received.push(incoming));
  return { listener, received, texts: () => received.map(textOf) };
}

export function listenCases({ expect, it }: TestRunner, harness: BrokerHarness): void {
  it('delivers to every listener, wherever it is, and to the inboxes that subscribe', async () => {
    const [here, there] = [await harness.connect(), await harness.connect()];
    const name = uniqueName('topic');
    const spoiled: string[] = [];
    await here.listen([name], ({ body }) => {
      spoiled.push(body.toString());
      body.fill(0);
    });
    const heard = [await hear(here, [name]), await hear(there, [name])];
    const inbox = await collect(there, newRole(), [name]);
    const { properties, ...rest } = message(topic(name), 'news', { messageId: 'id-1', headers: { 'x-a': 1 } });
    await here.publish({ ...rest, properties });
    await until('all', () => spoiled.length > 0 && [...heard, inbox].every(({ received }) => received.length === 1));
    const expected = { properties, body: Buffer.from('news'), recipient: topic(name), redelivered: false };
    expect(heard.map(({ received }) => received)).toEqual([[expected], [expected]]);
    expect(spoiled).toEqual(['news']);
  });

  it('hears what its patterns match, once and in both lanes, and nothing else', async () => {
    const broker = await harness.connect();
    const t = uniqueName('t');
    const one = await hear(broker, [`${t}.*.a`, `${t}.#.a`, `${t}.b`]);
    const all = await hear(broker, ['#']);
    const agent = newAgent();
    await collect(broker, agent);
    await broker.publish(message(agent, 'direct'));
    await broker.publish(message(everyone, 'broadcast'));
    for (const end of ['a', 'x.a', 'x.y.a', 'x.b', 'c', 'b']) await broker.publish(message(topic(`${t}.${end}`), end));
    await broker.publish(message(topic(`${t}.b`), 'urgent', { priority: 9 }));
    await until('the last', () => [one, all].every(({ texts }) => texts().includes('urgent')));
    expect(one.texts()).toEqual(['a', 'x.a', 'x.y.a', 'b', 'urgent']);
    expect(all.texts()).toEqual(['a', 'x.a', 'x.y.a', 'x.b', 'c', 'b', 'urgent']);
  });

  it('hears nothing that was published before', async () => {
    const broker = await harness.connect();
    const name = uniqueName('topic');
    await collect(broker, newRole(), [name]);
    await broker.publish(message(topic(name), 'before'));
    const { texts } = await hear(broker, [name]);
    await broker.publish(message(topic(name), 'after'));
    await until('the second', () => texts().length > 0);
    expect(texts()).toEqual(['after']);
  });

  it('neither waits for an inbox that is busy nor makes it wait', async () => {
    const broker = await harness.connect();
    const name = uniqueName('topic');
    const busy = gate();
    const handled: string[] = [];
    await broker.consume({ owner: newRole(), topics: [name] }, { prefetch: 1 }, async (incoming) => {
      handled.push(textOf(incoming));
      await busy.passed;
    });
    const { texts } = await hear(broker, [name]);
    await Promise.all(numbered(200).map((text) => broker.publish(message(topic(name), text))));
    await until('all are heard', () => texts().length === 200);
    expect(texts()).toEqual(numbered(200));
    await until('one is handled', () => handled.length > 0);
    expect(handled).toEqual(['0']);
    busy.open();
    await until('all are handled', () => handled.length === 200);
  });

  it('hears again, each message once, when its connection is back', async () => {
    const { broker, blip } = await harness.connectFragile();
    const sender = await harness.connect();
    const name = uniqueName('topic');
    const { texts } = await hear(broker, [name]);
    await sender.publish(message(topic(name), 'before'));
    await until('the first', () => texts().includes('before'));
    blip();
    await until('something after that', async () => {
      await sender.publish(message(topic(name), 'probe'));
      return texts().includes('probe') && broker.status().connected;
    });
    for (const text of ['once', 'last']) await sender.publish(message(topic(name), text));
    await until('the last', () => texts().includes('last'));
    expect(texts().filter((text) => text !== 'probe')).toEqual(['before', 'once', 'last']);
  });

  it('is a recipient until it is closed, or its broker is', async () => {
    const [sender, other] = [await harness.connect(), await harness.connect()];
    const name = uniqueName('topic');
    const publish = (text: string): Promise<void> => sender.publish(message(topic(name), text, { mandatory: true }));
    const nobodyLeft = (): Promise<boolean> =>
      publish('none').then(
        () => false,
        (error: unknown) => error instanceof NoRecipientError,
      );
    const [first, second] = [await hear(other, [name]), await hear(other, [name])];
    await publish('both');
    await until('both', () => first.received.length === 1 && second.received.length === 1);
    await first.listener.close();
    await first.listener.close();
    await publish('second');
    await until('the second', () => second.received.length === 2);
    await second.listener.close();
    await until('nobody to be left', nobodyLeft);
    const third = await hear(other, [name]);
    await publish('third');
    await until('the third', () => third.received.length === 1);
    await other.close();
    await until('nobody to be left', nobodyLeft);
    expect([first, second, third].map(({ texts }) => texts())).toEqual([['both'], ['both', 'second'], ['third']]);
    await expect(hear(other, [name])).rejects.toBeInstanceOf(BrokerClosedError);
  });

  it('does not hold up what is sent while it is being made', async () => {
    const broker = await harness.connect();
    const listening = broker.listen([uniqueName('topic')], () => undefined);
    expect(broker.status().sends).toBe(true);
    await listening;
  });

  it('goes on when its handler throws, and so does everything else', async () => {
    const broker = await harness.connect();
    const name = uniqueName('topic');
    const begun: string[] = [];
    await broker.listen([name], (incoming) => {
      begun.push(textOf(incoming));
      throw new Error('of the handler');
    });
    const { texts } = await hear(broker, [name]);
    for (const text of numbered(3)) await broker.publish(message(topic(name), text));
    await until('all', () => begun.length === 3 && texts().length === 3);
    expect(begun).toEqual(numbered(3));
    expect(texts()).toEqual(numbered(3));
    expect(broker.status().connected).toBe(true);
  });
}
