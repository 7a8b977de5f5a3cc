import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, Handle, Subscribe } from 'agentmq/agent';
import { Contract, type PayloadClass } from 'agentmq/protocol';
import { CoordinatorsModule, Task, Tasks, TasksModule } from 'agentmq/coordination';
import { MessageBus, Replayer } from 'agentmq/messaging';
import { Audit, DeadLetters } from 'agentmq/operations';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

class Line {
  @IsString()
  sku!: string;
}
class WiderLine extends Line {
  @IsBoolean()
  gift!: boolean;
}

/** What the receiver has. */
@Contract({ type: 'order' })
class Order {
  @IsString()
  customer!: string;

  @ValidateNested()
  @Type(() => Line)
  line!: Line;
}
@Contract({ type: 'receipt' })
class Receipt {
  @IsInt()
  total!: number;
}

/** What the sender has, which is newer. */
@Contract({ type: 'order' })
class WiderOrder {
  @IsString()
  customer!: string;

  @IsBoolean()
  gift!: boolean;

  @ValidateNested()
  @Type(() => WiderLine)
  line!: WiderLine;
}
const wider: WiderOrder = { customer: 'Ada', gift: true, line: { sku: 'tea', gift: true } };
const narrow: Order = { customer: 'Ada', line: { sku: 'tea' } };

@Contract({ type: 'person', retry: { attempts: 1 } })
class PersonV1 {
  @IsString()
  name!: string;
}
@Contract({
  type: 'person',
  version: 2,
  retry: { attempts: 1 },
  upcast: {
    1: ({ name }: PersonV1) => {
      if (name === 'nameless') throw new Error('there is no name');
      const [first, last] = name.split(' ');
      return { first, last };
    },
  },
})
class PersonV2 {
  @IsString()
  first!: string;

  @IsOptional()
  @IsString()
  last?: string;
}

/** Asks for a person of that version. */
@Contract({ type: 'who' })
class Who {
  @IsIn([1, 2, 3])
  version!: number;
}
@Contract({ type: 'person', version: 3 })
class PersonV3 {
  @IsString({ each: true })
  names!: string[];
}

const received: object[] = [];

@Agent({ role: 'shop', capabilities: ['shop'] })
class Shop {
  @Handle(Order)
  order(order: Order): object {
    received.push(order);
    return { total: 7, tip: 1 };
  }

  @Subscribe('orders.*', Order)
  published(order: Order): void {
    received.push(order);
  }

  @Handle(PersonV2)
  person(person: PersonV2): void {
    received.push(person);
  }

  @Subscribe('people.*', PersonV2)
  publishedPerson(person: PersonV2): void {
    received.push(person);
  }

  @Handle(Who)
  who({ version }: Who): object {
    if (version === 1) return Object.assign(new PersonV1(), { name: 'Ada Lovelace' });
    if (version === 2) return Object.assign(new PersonV2(), { first: 'Ada', last: 'Lovelace' });
    return Object.assign(new PersonV3(), { names: ['Ada'] });
  }
}

@Agent({ role: 'press', capabilities: ['press'] })
class Press {
  @Task(Order)
  order(order: Order): object {
    received.push(order);
    return { total: 7, tip: 1 };
  }
}

describe('messages of an app that is newer, or older', () => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: 'in_memory',
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.4',
  });
  let agents: AgentClient;
  let tasks: Tasks;
  let bus: MessageBus;

  beforeAll(async () => {
    const coordination = [CoordinatorsModule];
    await system.start({ id: 'shop-1', controllers: [Shop] });
    await system.start({ id: 'press-1', controllers: [Press], imports: [TasksModule] });
    @Agent({ role: 'boss' })
    class Boss {}
    const boss = await system.start({ id: 'boss-1', controllers: [Boss], imports: coordination });
    agents = boss.get(AgentClient);
    tasks = boss.get(Tasks);
    bus = boss.get(MessageBus);
  });
  afterAll(() => system.close());

  const takenBack = async (what: string): Promise<object> => {
    await until(what, () => received.length > 0);
    return received.pop() ?? {};
  };
  const ended = (id: string) =>
    until(`the end of ${id}`, async () => {
      const [delivery] = (await system.store.history.find(id))?.deliveries ?? [];
      return delivery && ['completed', 'dead'].includes(delivery.state) ? delivery : undefined;
    });

  describe('a field that the receiver does not know', () => {
    it.each<[string, () => Promise<unknown>]>([
      ['sent', () => agents.send({ role: 'shop' }, WiderOrder, wider)],
      ['published', () => agents.publish('orders.new', WiderOrder, wider)],
      ['broadcast', () => agents.broadcast(WiderOrder, wider)],
      ['asked', () => agents.request({ role: 'shop' }, WiderOrder, wider)],
      ['given as a task', () => tasks.submit(WiderOrder, wider, { to: { role: 'press' } })],
    ])('is dropped where the message was %s, nested ones too', async (_, send) => {
      await send();
      expect(await takenBack('the order')).toEqual(narrow);
    });

    it('is dropped of an answer, of a task’s result, and of a control message', async () => {
      const answer = { answer: Receipt };
      expect(await agents.request({ role: 'shop' }, Order, narrow, answer)).toEqual({ total: 7 });
      expect(await tasks.run(Order, narrow, { to: { role: 'press' }, ...answer })).toEqual({ total: 7 });
      const heard: Order[] = [];
      const listener = await bus.listen(['news'], Order, (order) => heard.push(order));
      bus.announce('news', WiderOrder, wider, { ttl: 10_000 });
      await until('the news', () => heard.length > 0);
      await listener.close();
      expect(heard).toEqual([narrow]);
      received.length = 0;
    });

    it('is refused to its sender, who is told its name', async () => {
      const misspelt = { ...narrow, line: { sku: 'tea', gift: true } };
      const refused = { code: 'CONTRACT_VIOLATION', message: expect.stringContaining('line.gift') };
      await expect(agents.send({ role: 'shop' }, Order, misspelt)).rejects.toMatchObject(refused);
      await expect(tasks.submit(Order, misspelt, { to: { role: 'press' } })).rejects.toMatchObject(refused);
      expect(() => bus.announce('news', Order, misspelt, { ttl: 1_000 })).toThrow(/line\.gift/);
    });
  });

  describe('an older version', () => {
    const ada = { first: 'Ada', last: 'Lovelace' };
    const dead = () =>
      new DeadLetters(system.store, new Audit(system.store.database), { sender: 'operator', maxMessageBytes: 1e6 });

    it.each<[string, () => Promise<unknown>]>([
      ['sent', () => agents.send({ role: 'shop' }, PersonV1, { name: 'Ada Lovelace' })],
      ['published', () => agents.publish('people.new', PersonV1, { name: 'Ada Lovelace' })],
    ])('is upcast where it was %s', async (_, send) => {
      await send();
      const person = await takenBack('the person');
      expect(person).toBeInstanceOf(PersonV2);
      expect(person).toEqual(ada);
    });

    it('is dead with the reason when its upcaster throws, and handled once its payload was edited', async () => {
      const { messageId } = await agents.send({ role: 'shop' }, PersonV1, { name: 'nameless' });
      const { state, error } = await ended(messageId);
      expect(state).toBe('dead');
      expect(error).toMatchObject({ code: 'CONTRACT_VIOLATION', message: expect.stringMatching(/there is no name/) });
      await dead().requeueEdited(
        { name: 'ann', via: 'cli' },
        { messageId, consumer: 'role.shop' },
        '{"name":"Ada Lovelace"}',
      );
      expect(await takenBack('the edited person')).toEqual(ada);
    });

    it('is upcast when it is replayed', async () => {
      const { messageId } = await agents.send({ role: 'shop' }, PersonV1, { name: 'Ada Lovelace' });
      await takenBack('the person');
      await ended(messageId);
      const replayer = new Replayer(system.store, { outboxLimit: 1_000 });
      await replayer.replay({ messageIds: [messageId], states: ['completed'] }, { to: 'agent.shop-1' });
      expect(await takenBack('the person again')).toEqual(ada);
    });

    it('is upcast by a requester whose answer tells its contract; a newer one is an error that says so', async () => {
      const ask = (version: number, answer: PayloadClass) =>
        agents.request({ role: 'shop' }, Who, { version }, { answer });
      expect(await ask(1, PersonV2)).toEqual(ada);
      expect(await ask(2, PersonV2)).toEqual(ada);
      await expect(ask(3, PersonV2)).rejects.toThrow('person@2: version: 3 is not taken, only 1, 2');
    });
  });
});
