import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Agent, AgentClient, Ctx, Handle, MessageContext } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { Database } from 'agentmq/database';
import { StoreUnavailableError } from 'agentmq/database';
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

@Contract({ type: 'brief_booking', transactional: true })
class BriefBooking {
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

/** What a foreign table says when its own server is away. */
const RAISES = `DO $$ BEGIN RAISE EXCEPTION 'no foreign server' USING ERRCODE = '08001'; END $$`;

describe('a transactional handler', () => {
  const system = new TestSystem({ MESSAGE_STORE_LEASE: '2' });
  const database = new pg.Client({ connectionString: system.settings.database.url });
  const booked: number[] = [];
  const refusals: unknown[] = [];
  const gates = new Map<number, () => void>();
  const begun: number[] = [];
  let agents: AgentClient;
  let booker: INestApplicationContext;
  let proxy: TcpProxy;

  @Agent({ role: 'booker', concurrency: 32 })
  class Booker {
    constructor(private readonly client: AgentClient) {}

    @Handle(Booking)
    async book({ n, trouble }: Booking, @Ctx() context: MessageContext): Promise<void> {
      await context.transaction.query(`INSERT INTO ${system.namespace}.effects VALUES ($1)`, [n]);
      await this.client.send({ role: 'listener' }, Booked, { n });
      if (trouble === 'fails' && context.attempt === 1) throw new Error('after the write');
      if (trouble === 'elsewhere') throw Object.assign(new Error('no mail server'), { code: 'ECONNREFUSED' });
      if (trouble === 'waits') await new Promise<void>((resolve) => gates.set(n, resolve));
      if ((trouble === 'loses' || trouble === 'away') && !gates.has(n)) {
        gates.set(n, () => undefined);
        if (trouble === 'away') proxy.refuse();
        proxy.cut();
      }
      if (trouble === 'raises') await context.transaction.query(RAISES);
      if (trouble === 'ended') await context.transaction.query('SELECT pg_terminate_backend(pg_backend_pid())');
      if (trouble === 'idle') {
        await context.transaction.query(`SET LOCAL idle_in_transaction_session_timeout = 20`);
        await until('the end of its session', () => !context.transaction.isOpen);
      }
    }

    @Handle(BriefBooking)
    async brief(_: BriefBooking, @Ctx() { message, transaction }: MessageContext): Promise<void> {
      const [time] = await transaction.query<{ now: Date }>('SELECT clock_timestamp() AS now, pg_sleep(0.3)');
      begun.push((message.expiresAt?.getTime() ?? 0) - (time?.now.getTime() ?? 0));
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
    proxy = await TcpProxy.before(system.settings.database.url);
    await system.start({ id: 'listener-1', controllers: [Listener] });
    await database.connect();
    await database.query(`CREATE TABLE ${system.namespace}.effects (n integer)`);
    const databaseUrl = proxy.through(system.settings.database.url);
    booker = await system.start({ id: 'booker-1', controllers: [Booker], databaseUrl });
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
  const deliveryOf = async (id: string) => (await system.store.history.find(id))?.deliveries[0];
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
    const [taken] = await system.store.deliveries.claim([claim], 'another', 30_000);
    expect(taken).toMatchObject({ outcome: 'claimed', attempt: 2 });
    gates.get(3)?.();
    await until('the loser to give up', async () => (await effects(3)) === 0);
    expect(await system.store.deliveries.complete([{ messageId, consumer, attempt: 2 }])).toEqual([true]);
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

  it('does not begin once its message has expired while it waited for a connection', async () => {
    const sent = await Promise.all(
      Array.from({ length: 12 }, (_, n) => agents.send({ role: 'booker' }, BriefBooking, { n }, { ttl: 250 })),
    );
    const states = await until('all ends', async () => {
      const found = await Promise.all(sent.map(async ({ messageId }) => (await deliveryOf(messageId))?.state));
      return found.every((state) => state === 'completed' || state === 'expired') ? found : undefined;
    });
    expect(states).toContain('expired');
    expect(states.filter((state) => state === 'completed')).toHaveLength(begun.length);
    expect(begun.filter((leftMs) => leftMs <= 0)).toEqual([]);
  });

  it('that goes on after its time is over writes nothing', async () => {
    const { messageId } = await agents.send({ role: 'booker' }, SlowBooking, { n: 6 });
    await until('the last attempt', async () => (await deliveryOf(messageId))?.state === 'dead');
    await until('its late writes', () => refusals.length === 2);
    expect(refusals).toMatchObject([{ code: 'TRANSACTION_ENDED' }, { code: 'TRANSACTION_ENDED' }]);
    expect(await effects(6)).toBe(0);
  });

  it.each([
    ['whose statement raises what looks like an outage', 'raises', '08001'],
    ['whose session is terminated', 'ended', 'STORE_UNAVAILABLE'],
    ['whose session ends for being idle', 'idle', 'STORE_UNAVAILABLE'],
  ])('%s counts its attempts, and ends dead', async (_, trouble, code) => {
    const { messageId } = await agents.send({ role: 'booker' }, Booking, { n: 7, trouble });
    await until('the last attempt', async () => (await deliveryOf(messageId))?.state === 'dead');
    expect((await deliveryOf(messageId))?.history).toMatchObject([{ error: { code } }, { error: { code } }]);
    expect(await effects(7)).toBe(0);
  });

  it('that loses its connection alone has failed, and is tried again', async () => {
    const { messageId } = await agents.send({ role: 'booker' }, Booking, { n: 4, trouble: 'loses' });
    await completed(messageId);
    expect(await effects(4)).toBe(1);
    await until('what it sent', () => booked.length > 0);
    expect(booked).toEqual([4]);
    expect((await deliveryOf(messageId))?.history).toMatchObject([{ error: { code: 'STORE_UNAVAILABLE' } }]);
  });

  it('whose database is away is tried again, and has not failed', async () => {
    const ping = jest.spyOn(booker.get(Database), 'ping');
    const { messageId } = await agents.send({ role: 'booker' }, Booking, { n: 8, trouble: 'away' });
    await until('the question whether the database is there', () => ping.mock.calls.length > 0);
    await expect(ping.mock.results[0]?.value).rejects.toThrow(StoreUnavailableError);
    await proxy.accept();
    await completed(messageId);
    expect(await effects(8)).toBe(1);
    expect((await deliveryOf(messageId))?.history).toEqual([]);
  });
});
