import type { Broker, DeadLettered } from 'agentmq/broker';
import type { BrokerHarness } from './harness.js';
import { declare, everyone, gate, message, newAgent, newRole, textOf, topic, uniqueName } from './messages.js';
import type { TestRunner } from './runner.js';
import { until } from './until.js';

/** Dead letters of this text, as they come. What other tests have left behind is taken too. */
export async function collectDead(broker: Broker, text: string): Promise<DeadLettered[]> {
  const dead: DeadLettered[] = [];
  await broker.consumeDeadLetters({ prefetch: 100 }, async (letter) => {
    if (textOf(letter) === text) dead.push(letter);
  });
  return dead;
}

const brief = { expiration: 50, persistent: false };

/** What the broker itself takes out of an inbox. */
export function deadLetterCases({ expect, it }: TestRunner, harness: BrokerHarness): void {
  it('are messages that expired in an inbox that nobody read, with their fields and whom they were for', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    await declare(broker, owner);
    const text = uniqueName('dead');
    const dead = await collectDead(broker, text);
    const fields = {
      messageId: 'm-1',
      type: 'note',
      appId: 'sender-1',
      correlationId: 'c-1',
      timestamp: 1_700_000_000,
    };
    await broker.publish(message(owner, text, { ...brief, ...fields, headers: { kept: 'x' } }));
    await until('the dead letter', () => dead.length === 1);
    const [letter] = dead;
    const expected = { owner, recipient: owner, reason: 'expired', expiration: 50, count: 1, properties: fields };
    expect(letter).toMatchObject(expected);
    expect(letter?.properties.headers).toEqual({ kept: 'x' });
    expect(letter?.properties.expiration).toBeUndefined();
    expect(await broker.inboxSize(owner)).toBe(0);
  });

  it('name each inbox that a message expired in, and the topic or everyone that it was sent to', async () => {
    const broker = await harness.connect();
    const [role, agent] = [newRole(), newAgent()];
    const name = `${uniqueName('topic')}.a`;
    await declare(broker, role, [name]);
    await declare(broker, agent, [name]);
    const text = uniqueName('dead');
    const dead = await collectDead(broker, text);
    await broker.publish(message(topic(name), text, brief));
    await broker.publish(message(everyone, text, { ...brief, priority: 9 }));
    await until('all three', () => dead.length === 3);
    const seen = dead.map(({ owner, recipient }) => ({ owner, recipient }));
    expect(seen).toEqual(
      expect.arrayContaining([
        { owner: role, recipient: topic(name) },
        { owner: agent, recipient: topic(name) },
        { owner: agent, recipient: everyone },
      ]),
    );
  });

  it('wait for a consumer, and come again when its handler rejects', async () => {
    const broker = await harness.connect();
    const owner = newRole();
    await declare(broker, owner);
    const text = uniqueName('dead');
    await broker.publish(message(owner, text, brief));
    await until('it has expired', async () => (await broker.inboxSize(owner)) === 0);
    let tries = 0;
    const handled = gate();
    await broker.consumeDeadLetters({ prefetch: 1 }, async (letter) => {
      if (textOf(letter) !== text) return;
      if (++tries < 3) throw new Error('not yet');
      handled.open();
    });
    await handled.passed;
    expect(tries).toBe(3);
  });

  it('are not what was handled, nor what an inbox took along when it was deleted', async () => {
    const broker = await harness.connect();
    const [read, deleted] = [newRole(), newRole()];
    const texts: string[] = [];
    await broker.consume(
      { owner: read, topics: [] },
      { prefetch: 1 },
      async (incoming) => void texts.push(textOf(incoming)),
    );
    await declare(broker, deleted);
    const text = uniqueName('dead');
    const dead = await collectDead(broker, text);
    await broker.publish(message(deleted, text));
    await broker.publish(message(read, text, { expiration: 60_000 }));
    await until('the one that is read', () => texts.length === 1);
    await broker.deleteInbox(deleted);
    await declare(broker, deleted);
    await broker.publish(message(deleted, text, { ...brief, messageId: 'expired' }));
    await until('a dead letter', () => dead.length > 0);
    expect(dead.map(({ properties }) => properties.messageId)).toEqual(['expired']);
  });
}
