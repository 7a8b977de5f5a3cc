import type { Incoming } from 'agentmq/broker';
import type { BrokerHarness } from './harness.js';
import { collect, declare, gate, message, newRole, numbered, textOf } from './messages.js';
import type { TestRunner } from './runner.js';
import { until } from './until.js';

const never = (): Promise<void> => new Promise(() => undefined);

export function failureCases({ expect, it }: TestRunner, harness: BrokerHarness): void {
  it('delivers again what a consumer held when it died, marked as redelivered', async () => {
    const owner = newRole();
    const { broker: mortal, die } = await harness.connectFragile();
    let held = 0;
    await mortal.consume({ owner, topics: [] }, { prefetch: 10, concurrency: 3 }, () => {
      held++;
      return never();
    });
    const sender = await harness.connect();
    const texts = numbered(10);
    await Promise.all(texts.map((text) => sender.publish(message(owner, text))));
    await until('three are being handled', () => held === 3);
    await die();
    const { received } = await collect(await harness.connect(), owner);
    await until('all', () => received.length === texts.length);
    expect(received.map(textOf).sort()).toEqual([...texts].sort());
    expect(received.filter(({ redelivered }) => redelivered).length).toBeGreaterThanOrEqual(3);
  });

  it('acknowledges nothing before the handler has returned', async () => {
    const owner = newRole();
    const { broker: mortal, die } = await harness.connectFragile();
    const handled: string[] = [];
    await mortal.consume({ owner, topics: [] }, { prefetch: 10 }, async (incoming) => {
      if (textOf(incoming) === '0') await never();
      handled.push(textOf(incoming));
    });
    const sender = await harness.connect();
    for (const text of numbered(3)) await sender.publish(message(owner, text));
    await until('the others were handled', () => handled.length === 2);
    await until('they were acknowledged', async () => (await sender.inboxSize(owner)) === 0);
    await die();
    const { texts } = await collect(await harness.connect(), owner);
    await until('the unfinished one', () => texts().includes('0'));
  });

  it('gives back a message whose handler failed, not in a hurry, and goes on with others meanwhile', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const attempts: { readonly incoming: Incoming; readonly at: number }[] = [];
    const others: string[] = [];
    await broker.consume({ owner, topics: [] }, { prefetch: 10, concurrency: 1 }, async (incoming) => {
      if (textOf(incoming) !== 'bad') others.push(textOf(incoming));
      else if (attempts.push({ incoming, at: Date.now() }) < 3) throw new Error('not yet');
    });
    await broker.publish(message(owner, 'bad'));
    for (const text of numbered(20)) await broker.publish(message(owner, text));
    await until('the third attempt', () => attempts.length === 3, 15_000);
    expect(others).toEqual(numbered(20));
    expect(attempts.map(({ incoming }) => incoming.redelivered)).toEqual([false, true, true]);
    const [first = 0, second = 0, third = 0] = attempts.map(({ at }) => at);
    expect(second - first).toBeGreaterThanOrEqual(90);
    expect(third - second).toBeGreaterThanOrEqual(90);
  });

  it('treats a handler that throws at once like one that rejects', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    let calls = 0;
    await broker.consume({ owner, topics: [] }, { prefetch: 10 }, () => {
      if (++calls === 1) throw new Error('thrown');
      return Promise.resolve();
    });
    await broker.publish(message(owner, 'x'));
    await until('the second attempt', () => calls === 2);
  });

  it('takes an acknowledgement only over the connection that delivered', async () => {
    const owner = newRole();
    const { broker, blip, die } = await harness.connectFragile();
    const gates = [gate(), gate()];
    let calls = 0;
    await broker.consume(
      { owner, topics: [] },
      { prefetch: 1, concurrency: 2 },
      () => gates[calls++]?.passed ?? never(),
    );
    const sender = await harness.connect();
    await sender.publish(message(owner, 'x'));
    await until('it is being handled', () => calls === 1);
    blip();
    await until('it is being handled again', () => calls === 2);
    gates[0]?.open();
    await die();
    const { received } = await collect(await harness.connect(), owner);
    await until('it comes back, since its last holder never returned', () => received.length === 1);
    expect(received[0]?.redelivered).toBe(true);
  });

  it('goes on by itself after its connections were lost: consumers, their bindings, and publications', async () => {
    const owner = newRole();
    const { broker, blip } = await harness.connectFragile();
    const { received } = await collect(broker, owner, ['still.bound']);
    const sending = numbered(2_000).map((text) => broker.publish(message(owner, text)));
    blip();
    await Promise.all(sending);
    await until('connected again', () => broker.status().connected);
    await (await harness.connect()).publish(message({ kind: 'topic', name: 'still.bound' }, 'topic'));
    const texts = (): Set<string> => new Set(received.map(textOf));
    await until('every message', () => texts().size === 2_001);
  });

  it('comes back, its inbox declared again, when the inbox was deleted', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const { received } = await collect(broker, owner);
    const other = await harness.connect();
    await other.deleteInbox(owner);
    await until('the inbox takes messages again', () =>
      other.publish(message(owner, 'again')).then(
        () => true,
        () => false,
      ),
    );
    await until('it arrives', () => received.length >= 1);
  });

  it('loses nothing that waited when one of two consumers dies in the middle', async () => {
    const owner = newRole();
    const sender = await harness.connect();
    await declare(sender, owner);
    const texts = numbered(1_000);
    await Promise.all(texts.map((text) => sender.publish(message(owner, text))));
    const { broker: mortal, die } = await harness.connectFragile();
    const done = new Set<string>();
    const handler = async (incoming: Incoming): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      done.add(textOf(incoming));
    };
    await mortal.consume({ owner, topics: [] }, { prefetch: 20 }, handler);
    await (await harness.connect()).consume({ owner, topics: [] }, { prefetch: 20 }, handler);
    await until('some are done', () => done.size > 100);
    await die();
    await until('all are done', () => done.size === texts.length);
  });
}
