import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, Ctx, Handle, MessageContext } from 'agentmq/agent';
import { Contract } from 'agentmq/contracts';
import { IsInt, IsString } from 'class-validator';
import pg from 'pg';
import { TcpProxy, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'booking', transactional: true, retry: { attempts: 2, delay: 10 } })
class Booking {
  @IsInt()
  n!: number;

  /** What goes wrong at the first attempt. */
  @IsString()
  trouble!: string;
}

@Contract({ type: 'slow_booking', transactional: true, retry: { attempts: 2, delay: 10 } })
class SlowBooking {
  @IsInt()
  n!: number;
}

@Contract({ type: 'booked' })
class Booked {
  @IsInt()
  n!: number;
}

@Agent({ role: 'boss' })
class Boss {}

describe('a transactional handler', () => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'rabbitmq', MESSAGE_STORE_LEASE: '2' });
  const database = new pg.Client({ connectionString: system.settings.databaseUrl });
  const booked: number[] = [];
  const refusals: unknown[] = [];
  const gates = new Map<number, () => void>();
  let agents: AgentClient;
  let proxy: TcpProxy;

  @Agent({ role: 'booker' })
  class Booker {
    constructor(private readonly client: AgentClient) {}

    @Handle(Booking)
    async book({ n, trouble }: Booking, @Ctx() context: MessageContext): Promise<void> {
      await context.transaction.query(`INSERT INTO ${system.namespace}.effects VALUES ($1)`, [n]);
      await this.client.send({ role: 'listener' }, Booked, { n });
      if (trouble === 'fails' && context.attempt === 1) throw new Error('after the write');
      if (trouble === 'elsewhere') throw Object.assign(new Error('no mail server'), { code: 'ECONNREFUSED' });
      if (trouble === 'waits') await new Promise<void>((resolve) => gates.set(n, resolve));
      if (trouble === 'loses' && !gates.has(n)) {
        gates.set(n, () => undefined);
        proxy.cut();
      }
    }

    /** Goes on writing after its time is over. */
    @Handle(SlowBooking, { timeout: 100 })
    async slow({ n }: SlowBooking, @Ctx() { transaction }: MessageContext): Promise<void> {
      try {
        await transaction.query('SELECT pg_sleep(0.3)');
        await transaction.query(`INSERT INTO ${system.namespace}.effects VALUES ($1)`, [n]);
      } catch (error) {
        refusals.push(error);
      }
    }
  }

  @Agent({ role: 'listener' })
  class Listener {
    @Handle(Booked)
    hear({ n }: Booked): void {
      booked.push(n);
    }
  }

  beforeAll(async () => {
    const { hostname, port } = new URL(system.settings.databaseUrl);
    proxy = await TcpProxy.listen({ host: hostname, port: Number(port || 5432) });
    await system.start({ id: 'listener-1', controllers: [Listener] });
    await database.connect();
    await database.query(`CREATE TABLE ${system.namespace}.effects (n integer)`);
    const databaseUrl = proxy.through(system.settings.databaseUrl);
    await system.start({ id: 'booker-1', controllers: [Booker], databaseUrl });
    agents = (await system.start({ id: 'boss-1', controllers: [Boss] })).get(AgentClient);
  });
  beforeEach(() => void booked.splice(0));
  afterAll(async () => {
    await database.end();
    await system.close();
    await proxy.close();
  });

  const effects = async (n: number) =>
    (await database.query(`SELECT n FROM ${system.namespace}.effects WHERE n = $1`, [n])).rowCount;
  const deliveryOf = async (id: string) => (await system.store.find(id))?.deliveries[0];
  const completed = (id: string) =>
    until('completion', async () => (await deliveryOf(id))?.state === 'completed', 30_000);

  it('commits its writes, what it sent, and the completion together', async () => {
    const { messageId } = await agents.send({ role: 'booker' }, Booking, { n: 1, trouble: '' });
    await completed(messageId);
    expect(await effects(1)).toBe(1);
    await until('what it sent', () => booked.includes(1));
  });

  it('that fails leaves nothing behind, and is tried again', async () => {
    const { messageId } = await agents.send({ role: 'booker' }, Booking, { n: 2, trouble: 'fails' });
    await completed(messageId);
    expect(await effects(2)).toBe(1);
    await until('what it sent', () => booked.length > 0);
    expect(booked).toEqual([2]);
  });

  it('whose claim was taken by another leaves nothing behind', async () => {
    const { messageId } = await agents.send({ role: 'booker' }, Booking, { n: 3, trouble: 'waits' });
    await until('the handler', () => gates.has(3));
    // as if the broker had counted this consumer as dead: another claims what was redelivered, and completes
    const consumer = 'role.booker';
    const { rows } = await database.query<{ copy: string }>(
      `SELECT copy FROM ${system.namespace}.deliveries WHERE message_id = $1`,
      [messageId],
    );
    const copy = rows[0]?.copy ?? '';
    const claim = { messageId, consumer, copy, redelivered: true, attempts: 5, alone: true };
    const [taken] = await system.store.claim([claim], 'another', 30_000);
    expect(taken).toMatchObject({ outcome: 'claimed', attempt: 2 });
    gates.get(3)?.();
    await until('the loser to give up', async () => (await effects(3)) === 0);
    expect(await system.store.complete([{ messageId, consumer, attempt: 2 }])).toEqual([true]);
    expect(await effects(3)).toBe(0);
    expect(booked).toEqual([]);
  });

  it('whose own call to elsewhere fails counts its attempts, and ends dead', async () => {
    const { messageId } = await agents.send({ role: 'booker' }, Booking, { n: 5, trouble: 'elsewhere' });
    await until('the last attempt', async () => (await deliveryOf(messageId))?.state === 'dead');
    expect((await deliveryOf(messageId))?.history).toMatchObject([
      { error: { code: 'ECONNREFUSED' } },
      { error: { code: 'ECONNREFUSED' } },
    ]);
    expect(await effects(5)).toBe(0);
  });

  it('that goes on after its time is over writes nothing', async () => {
    const { messageId } = await agents.send({ role: 'booker' }, SlowBooking, { n: 6 });
    await until('the last attempt', async () => (await deliveryOf(messageId))?.state === 'dead');
    await until('its late writes', () => refusals.length === 2);
    expect(refusals).toMatchObject([{ code: 'TRANSACTION_ENDED' }, { code: 'TRANSACTION_ENDED' }]);
    expect(await effects(6)).toBe(0);
  });

  it('whose database goes away is tried again, once committed', async () => {
    const { messageId } = await agents.send({ role: 'booker' }, Booking, { n: 4, trouble: 'loses' });
    await completed(messageId);
    expect(await effects(4)).toBe(1);
    await until('what it sent', () => booked.length > 0);
    expect(booked).toEqual([4]);
    expect((await deliveryOf(messageId))?.history).toEqual([]);
  });
});
