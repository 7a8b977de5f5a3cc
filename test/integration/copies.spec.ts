import { afterEach, describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, Ctx, Handle, MessageContext } from 'agentmq/agent';
import { MemoryBroker, MemoryHub } from 'agentmq/broker';
import { Contract, contractOf, type Message, newMessageId, toRole, toWire } from 'agentmq/protocol';
import { IsInt } from 'class-validator';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'piece', retry: { attempts: 10, delay: 10 } })
class Piece {
  @IsInt()
  n!: number;
}

@Contract({ type: 'fleeting', durable: false })
class Fleeting {
  @IsInt()
  n!: number;
}

const CONSUMER = 'role.piecer';

const piece = (n: number): Message => ({
  messageId: newMessageId(),
  sender: 'boss-1',
  recipient: toRole('piecer'),
  timestamp: new Date(),
  type: contractOf(Piece).type,
  version: 1,
  priority: 5,
  attempt: 1,
  contentType: 'application/json',
  body: Buffer.from(JSON.stringify({ n })),
});

function piecer() {
  const handled: number[] = [];
  const gate = { open: () => {}, fails: true };

  @Agent({ role: 'piecer', concurrency: 2, prefetch: 10 })
  class Piecer {
    @Handle(Piece)
    async piece({ n }: Piece, @Ctx() { message }: MessageContext): Promise<void> {
      handled.push(n);
      if (message.copy === 'slow') await new Promise<void>((resolve) => (gate.open = resolve));
    }

    @Handle(Fleeting)
    fleet({ n }: Fleeting): void {
      handled.push(n);
      if (gate.fails) throw new Error('not now');
    }
  }
  return { Piecer, handled, gate };
}

@Agent({ role: 'boss' })
class Boss {}

describe('copies of one message', () => {
  let system: TestSystem;
  afterEach(() => system.close());

  const publisher = async (hub: MemoryHub) => {
    const broker = new MemoryBroker(hub);
    await broker.start();
    return (message: Message, copy = 'one') =>
      broker.publish({
        ...toWire({ ...message, copy }),
        recipient: message.recipient,
        mandatory: true,
        persistent: true,
      });
  };
  const stateOf = async (id: string) =>
    (await system.store.history.find(id))?.deliveries.find(({ consumer }) => consumer === CONSUMER)?.state;

  it('that is suspect do not wait for each other for ever, and nothing behind them does', async () => {
    system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory', MESSAGE_STORE_LEASE: '2' });
    const { Piecer, handled } = piecer();
    await system.store.database.migrate();
    const messages = Array.from({ length: 60 }, (_, n) => piece(n));
    await system.store.outbox.append(messages, { owner: 'nobody', leaseMs: 3_600_000 });
    const claims = messages.map(({ messageId }) => ({
      ...{ messageId, consumer: CONSUMER, copy: 'one' },
      ...{ redelivered: false, attempts: 10, alone: false },
    }));
    // two processes died of them
    for (const redelivered of [false, true, true]) {
      await system.store.deliveries.claim(
        claims.map((claim) => ({ ...claim, redelivered, alone: true })),
        'a process that died',
        1,
      );
    }
    await system.start({ id: 'piecer-1', controllers: [Piecer] });
    const publish = await publisher(system.hub);
    const [first, second, ...others] = messages as [Message, Message, ...Message[]];
    for (const message of [first, second, second, second, ...others]) await publish(message);
    await until('all', async () => (await system.store.history.counts()).deliveries.completed === 60, 20_000);
    expect(handled.toSorted((a, b) => a - b)).toEqual(messages.map((_, n) => n));
  }, 40_000);

  it('one that is given back does not take the claim away that another has', async () => {
    system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
    const { Piecer, handled, gate } = piecer();
    await system.start({ id: 'piecer-1', controllers: [Piecer] });
    const message = piece(1);
    await system.store.outbox.append([message], { owner: 'nobody', leaseMs: 3_600_000 });
    const publish = await publisher(system.hub);
    await publish(message, 'slow');
    await until('the handler', () => handled.length === 1);
    const claim = { messageId: message.messageId, consumer: CONSUMER, attempts: 10, alone: false };
    expect(
      await system.store.deliveries.claim([{ ...claim, copy: 'another', redelivered: true }], 'piecer-2', 1_000),
    ).toEqual([{ outcome: 'busy' }]);
    gate.open();
    await until('completion', async () => (await stateOf(message.messageId)) === 'completed');
  });

  it('a transient one that failed, and is requeued, is handled once more and completed', async () => {
    system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory', MESSAGE_STORE_REPLAY_INTERVAL: '1' });
    const { Piecer, handled, gate } = piecer();
    await system.start({ id: 'piecer-1', controllers: [Piecer] });
    const agents = (await system.start({ id: 'boss-1', controllers: [Boss] })).get(AgentClient);
    await expect(agents.request({ role: 'piecer' }, Fleeting, { n: 7 })).rejects.toThrow('not now');
    const [dead] = await until('the record', async () => {
      const found = await system.store.history.list({ state: 'dead', discarded: true });
      return found.length > 0 ? found : undefined;
    });
    gate.fails = false;
    const { messageId } = (dead as NonNullable<typeof dead>).message;
    await system.store.replays.replay({ messageIds: [messageId], consumer: CONSUMER, states: ['dead'] });
    await until('completion', async () => (await stateOf(messageId)) === 'completed');
    expect(handled).toEqual([7, 7]);
  });
});
