import { type Broker, NoRecipientError } from 'agentmq/broker';
import type { BrokerHarness } from './harness.js';
import { declare, message, newAgent, newRole, type Owner, textOf, topic, uniqueName } from './messages.js';
import type { TestRunner } from './runner.js';
import { until } from './until.js';

/** One in each lane. */
const PRIORITIES = [5, 9];

async function redeclare(
  broker: Broker,
  owner: Owner,
  topics: readonly string[],
  dropped: readonly string[],
): Promise<string[]> {
  const texts: string[] = [];
  await broker.consume(
    { owner, topics, dropped },
    { prefetch: 10 },
    async (incoming) => void texts.push(textOf(incoming)),
  );
  return texts;
}

/** Resolves when no inbox is bound to the topic, in either lane. */
async function expectUnbound({ expect }: TestRunner, broker: Broker, name: string): Promise<void> {
  for (const priority of PRIORITIES) {
    const publication = message(topic(name), 'unwanted', { mandatory: true, priority });
    await expect(broker.publish(publication)).rejects.toBeInstanceOf(NoRecipientError);
  }
}

/** Resolves when the topic led to an inbox in both lanes. */
async function publishBoth(broker: Broker, name: string, text: string): Promise<void> {
  for (const priority of PRIORITIES) await broker.publish(message(topic(name), text, { mandatory: true, priority }));
}

/** What `Inbox.dropped` does. */
export function droppedCases(runner: TestRunner, harness: BrokerHarness): void {
  const { expect, it } = runner;
  it('binds them no more, in both lanes, and leaves the others and what waits', async () => {
    const broker = await harness.connect();
    for (const owner of [newRole(), newAgent()]) {
      const name = uniqueName('topic');
      await declare(broker, owner, [`${name}.kept`, `${name}.gone`, `${name}.gone.#`]);
      await publishBoth(broker, `${name}.gone`, 'before');
      const texts = await redeclare(broker, owner, [`${name}.kept`], [`${name}.gone`, `${name}.gone.#`]);
      await expectUnbound(runner, broker, `${name}.gone`);
      await publishBoth(broker, `${name}.kept`, 'after');
      await broker.publish(message(owner, 'direct'));
      await until('what it is still to get', () => texts.length === 5);
      expect(texts.sort()).toEqual(['after', 'after', 'before', 'before', 'direct']);
    }
  });

  it('leaves a pattern bound that is subscribed to as well', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const [kept, added] = [uniqueName('topic'), uniqueName('topic')];
    await declare(broker, owner, [kept]);
    const texts = await redeclare(broker, owner, [kept, added], [kept, added]);
    await publishBoth(broker, kept, 'kept');
    await publishBoth(broker, added, 'added');
    await until('all four', () => texts.length === 4);
  });

  it('ignores a pattern that was never bound, also when the inbox is new', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    const name = uniqueName('topic');
    for (let round = 0; round < 2; round++) {
      const texts = await redeclare(broker, owner, [], [name, `${name}.#`]);
      await broker.publish(message(owner, 'x'));
      await until('the message', async () => (await broker.inboxSize(owner)) === 0);
      if (round === 0) await until('the message at the first', () => texts.length === 1);
    }
    await expectUnbound(runner, broker, name);
  });

  it('takes them from no other inbox', async () => {
    const broker = await harness.connect();
    const [owner, other] = [newRole(), newRole()];
    const name = uniqueName('topic');
    await declare(broker, owner, [name]);
    const others = await redeclare(broker, other, [name], []);
    const texts = await redeclare(broker, owner, [], [name]);
    await publishBoth(broker, name, 'x');
    await until('both at the other', () => others.length === 2);
    expect(texts).toEqual([]);
  });

  it('takes them not again from those who have bound them since, when a connection comes back', async () => {
    const { broker, blip } = await harness.connectFragile();
    const other = await harness.connect();
    const owner = newRole();
    const name = uniqueName('topic');
    await declare(other, owner, [name]);
    const texts = await redeclare(broker, owner, [], [name]);
    await expectUnbound(runner, other, name);
    await declare(other, owner, [name]);
    blip();
    await until('the loss of the connection', () => !broker.status().connected);
    await until('the connection', () => broker.status().connected);
    // Read by nobody else: once it comes, the inbox has been declared again.
    await other.publish(message(owner, 'back'));
    await until('the message', () => texts.includes('back'));
    await publishBoth(other, name, 'x');
    await until('both', () => texts.length === 3);
  });

  it('can be told of a consumer at work, as can others to be bound, and holds when its connection comes back', async () => {
    const { broker, blip } = await harness.connectFragile();
    const other = await harness.connect();
    const owner = newRole();
    const [kept, added, dropped] = [uniqueName('topic'), uniqueName('topic'), uniqueName('topic')];
    const texts: string[] = [];
    const consumer = await broker.consume(
      { owner, topics: [kept, dropped] },
      { prefetch: 10 },
      async (incoming) => void texts.push(textOf(incoming)),
    );
    await consumer.rebind({ topics: [kept, added], dropped: [dropped] });
    await expectUnbound(runner, other, dropped);
    await publishBoth(other, added, 'added');
    await until('both', () => texts.length === 2);
    blip();
    await until('the loss of the connection', () => !broker.status().connected);
    await consumer.rebind({ topics: [added], dropped: [kept] }).catch(() => undefined);
    await until('the connection', () => broker.status().connected);
    await expectUnbound(runner, other, dropped);
    await expectUnbound(runner, other, kept);
    await publishBoth(other, added, 'again');
    await until('both again', () => texts.filter((text) => text === 'again').length === 2);
  });
}
