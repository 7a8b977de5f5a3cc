import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, Handle, Subscribe } from 'agentmq/agent';
import { Broker } from 'agentmq/broker';
import { Contract, HEADER, toAgent } from 'agentmq/protocol';
import { HealthProbes, Metrics } from 'agentmq/telemetry';
import { IsInt } from 'class-validator';
import { testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'one' })
class One {
  @IsInt()
  n!: number;
}

@Contract({ type: 'two' })
class Two {
  @IsInt()
  n!: number;
}

@Contract({ type: 'swift', durable: false })
class Swift {
  @IsInt()
  n!: number;
}

@Contract({ type: 'notice', durable: true })
class Notice {
  @IsInt()
  n!: number;
}

const handled: string[] = [];

@Agent({ role: 'roll' })
class Old {
  @Handle(One)
  one({ n }: One): void {
    handled.push(`old one ${n}`);
  }
}

@Agent({ role: 'roll' })
class New {
  @Handle(One)
  one({ n }: One): void {
    handled.push(`new one ${n}`);
  }

  @Handle(Two)
  two({ n }: Two): number {
    handled.push(`two ${n}`);
    return n;
  }

  @Handle(Swift)
  swift({ n }: Swift): number {
    handled.push(`swift ${n}`);
    return n;
  }

  @Handle(Notice)
  notice({ n }: Notice): void {
    handled.push(`notice ${n}`);
  }

  @Subscribe('t.*', Two)
  published({ n }: Two): void {
    handled.push(`published ${n}`);
  }
}

let begun = 0;
let end = (): void => undefined;

@Agent({ role: 'roll' })
class Slow {
  @Handle(Two)
  async two({ n }: Two): Promise<void> {
    begun++;
    await new Promise<void>((resolve) => (end = resolve));
    handled.push(`two ${n}`);
  }
}

@Agent({ role: 'other' })
class Other {
  @Handle(Two)
  two({ n }: Two): void {
    handled.push(`other two ${n}`);
  }
}

@Agent({ role: 'sender' })
class Sender {}

const ten = [...Array(10).keys()];

describe.each(['in_memory', testBus.name])('an older instance beside a newer one (%s)', (busType) => {
  let system: TestSystem;
  afterEach(async () => {
    await system.close();
    handled.length = 0;
  });

  const sender = async (): Promise<AgentClient> =>
    (await system.start({ id: 'sender-1', controllers: [Sender] })).get(AgentClient);
  const sendTen = (agents: AgentClient) =>
    Promise.all(ten.map((n) => agents.send({ role: 'roll' }, Two, { n }))).then((sent) =>
      sent.map(({ messageId }) => messageId),
    );
  const publishTen = (agents: AgentClient) =>
    Promise.all(ten.map((n) => agents.publish('t.x', Two, { n }))).then((sent) =>
      sent.map(({ messageId }) => messageId),
    );
  const statesOf = async (ids: readonly string[]) =>
    Promise.all(
      ids.map(async (id) => {
        const found = await system.store.history.find(id);
        return found?.deliveries.map(({ consumer, state, attempt }) => `${consumer} ${state} ${attempt}`).join();
      }),
    );
  const allAre = (ids: readonly string[], state: string) =>
    until(`all to be ${state}`, async () => (await statesOf(ids)).every((found) => found === state));

  it('what only the newer one handles goes to it, sent or published, with no attempt counted', async () => {
    system = new TestSystem({ MESSAGE_BUS_TYPE: busType });
    await system.start({ id: 'old-1', controllers: [Old] });
    await system.start({ id: 'new-1', controllers: [New] });
    const agents = await sender();
    const ids = [...(await sendTen(agents)), ...(await publishTen(agents))];
    await allAre(ids, 'role.roll completed 1');
    expect([...handled].sort()).toEqual(ten.flatMap((n) => [`published ${n}`, `two ${n}`]).sort());
    for (const n of ten) await expect(agents.request({ role: 'roll' }, Two, { n })).resolves.toBe(n);
    for (const n of ten) await expect(agents.request({ role: 'roll' }, Swift, { n })).resolves.toBe(n);
  });

  it('an instance that stops lets what was passed on to it end', async () => {
    system = new TestSystem({ MESSAGE_BUS_TYPE: busType });
    await system.start({ id: 'old-1', controllers: [Old] });
    const slow = await system.start({ id: 'new-1', controllers: [Slow] });
    const agents = await sender();
    const isPassedOn = `SELECT FROM "${system.store.database.schema}".deliveries WHERE message_id = $1 AND forwarded_to = 'new-1'`;
    for (let n = 0; ; n++) {
      begun = 0;
      const { messageId } = await agents.send({ role: 'roll' }, Two, { n });
      await until('it to begin', () => begun > 0);
      if ((await system.store.database.query(isPassedOn, [messageId])).length > 0) {
        const closed = slow.close();
        await until('it to leave', async () =>
          (await system.store.agents.read(['new-1'])).agents.every(({ stopped }) => stopped),
        );
        end();
        await closed;
        expect(await statesOf([messageId])).toEqual(['role.roll completed 1']);
        expect(handled.filter((each) => each === `two ${n}`)).toHaveLength(1);
        return;
      }
      end();
    }
  });

  it('what was passed on to an agent that is of another role by now is still owed to the first', async () => {
    system = new TestSystem({ MESSAGE_BUS_TYPE: busType });
    const old = await system.start({ id: 'old-1', controllers: [Old] });
    const other = await system.start({ id: 'other-1', controllers: [Other] });
    const { messageId } = await (await sender()).send({ role: 'roll' }, Two, { n: 1 });
    await allAre([messageId], 'role.roll retrying 0');
    const headers = { [HEADER.copy]: 'c', [HEADER.recipient]: 'role.roll', [HEADER.consumer]: 'role.roll' };
    await old.get(Broker).publish({
      properties: { messageId, type: 'two', headers },
      body: Buffer.from('{"n":1}'),
      recipient: toAgent('other-1'),
      mandatory: true,
      persistent: true,
    });
    const { registry } = other.get(Metrics);
    await until('its end', async () => /received_total\{.*type="(two|other)"/.test(await registry.metrics()));
    expect(await statesOf([messageId])).toEqual(['role.roll retrying 0']);
    expect(handled).toEqual([]);
  });

  it('an older instance that starts takes no subscription away', async () => {
    system = new TestSystem({ MESSAGE_BUS_TYPE: busType });
    const old = await system.start({ id: 'old-1', controllers: [Old] });
    await system.start({ id: 'new-1', controllers: [New] });
    const agents = await sender();
    await old.close();
    await system.start({ id: 'old-1', controllers: [Old] });
    await allAre(await publishTen(agents), 'role.roll completed 1');
    expect([...handled].sort()).toEqual(ten.map((n) => `published ${n}`).sort());
  });

  it('what none handles waits, visibly, until one comes that does', async () => {
    system = new TestSystem({ MESSAGE_BUS_TYPE: busType });
    const old = await system.start({ id: 'old-1', controllers: [Old] });
    await system.start({ id: 'old-2', controllers: [Old] });
    const agents = await sender();
    const ids = await sendTen(agents);
    await allAre(ids, 'role.roll retrying 0');
    expect((await system.store.history.find(ids[0] ?? ''))?.deliveries[0]?.error).toMatchObject({
      code: 'UNKNOWN_TYPE',
      message: expect.stringMatching(/role\.roll .*two version 1/),
    });
    const probe = old
      .get(HealthProbes)
      .all()
      .find(({ name }) => name === 'handlers');
    const waiting = { consumer: 'role.roll', contract: 'two@1', messages: 10, since: expect.any(String) };
    expect(await probe?.check()).toEqual({ status: 'degraded', data: { waiting: [waiting] } });
    expect(await old.get(Metrics).registry.metrics()).toContain(
      'agentmq_messages_waiting_for_handler{consumer="role.roll"} 10',
    );
    await expect(agents.request({ role: 'roll' }, Two, { n: 1 })).rejects.toMatchObject({ code: 'UNKNOWN_TYPE' });
    await system.start({ id: 'new-1', controllers: [New] });
    await allAre(ids, 'role.roll completed 1');
    expect([...handled].sort()).toEqual(ten.map((n) => `two ${n}`).sort());
  });
});

describe('what no instance handles', () => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory', MESSAGE_BUS_HANDLER_GRACE: '0.1' });
  afterAll(() => system.close());

  it('is dead with the reason after its grace; a broadcast is owed to the agents that handle it alone', async () => {
    await system.start({ id: 'old-1', controllers: [Old] });
    const agents = (await system.start({ id: 'sender-1', controllers: [Sender] })).get(AgentClient);
    const { messageId } = await agents.send({ role: 'roll' }, Two, { n: 1 });
    const [delivery] = await until('its end', async () => {
      const deliveries = (await system.store.history.find(messageId))?.deliveries;
      return deliveries?.[0]?.state === 'dead' ? deliveries : undefined;
    });
    expect(delivery).toMatchObject({ attempt: 0, error: { code: 'UNKNOWN_TYPE' }, history: [] });
    await system.start({ id: 'new-1', controllers: [New] });
    const all = await agents.broadcast(Notice, { n: 2 });
    await until('the end of the broadcast', async () => {
      const deliveries = (await system.store.history.find(all.messageId))?.deliveries;
      return deliveries?.map(({ consumer, state }) => `${consumer} ${state}`).join() === 'agent.new-1 completed';
    });
  });

  it('an instance that was silent when its subscription ended has it again', async () => {
    const { store } = system;
    const subscribed = async () => (await store.subscriptions.topics('role.roll')).topics.includes('t.*');
    await until('what it declares', subscribed);
    await store.database.query(
      `UPDATE "${store.database.schema}".agents SET heartbeat_at = heartbeat_at - interval '1 hour' WHERE id = 'new-1'`,
    );
    expect(await store.subscriptions.endUndeclared(60_000, 0)).toEqual([{ consumer: 'role.roll', pattern: 't.*' }]);
    await until('its subscription again', subscribed);
  });

  it('the inbox of a role is bound to what its instances have declared together, until that ends', async () => {
    const roll = { kind: 'role', name: 'roll' } as const;
    await system.store.database.query(
      `DELETE FROM "${system.store.database.schema}".subscriptions WHERE consumer = 'role.roll'`,
    );
    await until('what an instance of the version before took away', async () => {
      return (await system.store.subscriptions.topics('role.roll')).topics.length > 0;
    });
    system.hub.delete(roll);
    await until('the inbox anew', () => system.hub.find(roll));
    await system.start({ id: 'old-2', controllers: [Old] });
    expect([...(system.hub.find(roll)?.topics ?? [])]).toEqual(['t.*']);
    await system.store.subscriptions.end('role.roll', 't.*', 'by an operator');
    await until('the binding to be gone', () => system.hub.find(roll)?.topics.size === 0);
  });
});
