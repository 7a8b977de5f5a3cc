import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, Handle } from 'agentmq/agent';
import { MemoryBroker } from 'agentmq/broker';
import { Contract, toRole } from 'agentmq/protocol';
import { IsInt } from 'class-validator';
import pg from 'pg';
import { databaseUrl, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'numbered' })
class Numbered {
  @IsInt()
  n!: number;
}

@Contract({ type: 'gated' })
class Gated {
  @IsInt()
  n!: number;
}

@Agent({ role: 'sender' })
class Sender {}

describe('a database that refuses one thing or another', () => {
  // as an operator sets it for a role or a database
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: 'in_memory',
    MESSAGE_BUS_START: 'wait',
    DATABASE_URL: `${databaseUrl()}?options=${encodeURIComponent('-c lock_timeout=100')}`,
  });
  const foreign = new MemoryBroker(system.hub);
  const other = new pg.Client({ connectionString: databaseUrl() });
  const handled: number[] = [];
  const gates: (() => void)[] = [];
  let agents: AgentClient;

  @Agent({ role: 'counter' })
  class Counter {
    @Handle(Numbered)
    count({ n }: Numbered): void {
      handled.push(n);
    }

    @Handle(Gated)
    async gated({ n }: Gated): Promise<void> {
      handled.push(n);
      await new Promise<void>((open) => gates.push(open));
    }
  }

  beforeAll(async () => {
    await other.connect();
    await system.start({ id: 'counter-1', controllers: [Counter] });
    agents = (await system.start({ id: 'sender-1', controllers: [Sender] })).get(AgentClient);
    await foreign.start();
  });
  afterEach(() => void handled.splice(0));
  afterAll(async () => {
    await other.end();
    await foreign.close(0);
    await system.close();
  });

  const to = { role: 'counter' };
  const deliveryOf = async (id: string) => (await system.store.history.find(id))?.deliveries[0];
  const lock = (table: string) => other.query(`BEGIN; LOCK TABLE ${system.namespace}.${table}`);
  const unlock = () => other.query('ROLLBACK');
  const isWaitedFor = async (table: string): Promise<boolean> => {
    const { rows } = await other.query(
      `SELECT FROM pg_locks WHERE NOT granted AND relation = '${system.namespace}.${table}'::regclass`,
    );
    return rows.length > 0;
  };
  /** Until a statement has waited for what is locked, and has been refused. */
  const refused = async (table: string): Promise<void> => {
    await until('a statement that waits', () => isWaitedFor(table));
    await until('its refusal', async () => !(await isWaitedFor(table)));
  };

  it('of twenty sends at once, the one with a field that is too long is refused, and told which', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => (n === 7 ? 'x'.repeat(6_000) : `c-${n}`));
    const outcomes = await Promise.allSettled(
      ids.map((correlationId, n) => agents.send(to, Numbered, { n }, { correlationId })),
    );
    const failed = outcomes.flatMap((outcome, n) => (outcome.status === 'rejected' ? [{ n, ...outcome }] : []));
    expect(failed).toMatchObject([{ n: 7, reason: { code: 'INVALID_MESSAGE', field: 'correlationId' } }]);
    await until('the others', () => handled.length === 19);
  });

  it('of foreign messages at once, the one that the store can not hold is dead with the reason, and no other waits', async () => {
    const id = randomBytes(6_000).toString('base64');
    await Promise.all(
      [1, 2, 3, 4, 5].map((n) =>
        foreign.publish({
          recipient: toRole('counter'),
          mandatory: true,
          persistent: true,
          properties: { type: 'numbered', headers: {}, ...(n === 3 ? { messageId: id } : {}) },
          body: Buffer.from(JSON.stringify({ n })),
        }),
      ),
    );
    await until('the others', () => handled.length === 4);
    const [dead] = await until('the record', async () => {
      const found = await system.store.history.list({ consumer: 'role.counter', state: 'dead' });
      return found.length > 0 ? found : undefined;
    });
    expect(dead?.message.messageId).toMatch(/^[\w+/]{100,}-[0-9a-f]{64}$/);
    expect(id.startsWith(dead?.message.messageId.slice(0, 100) ?? '?')).toBe(true);
    expect(dead?.message.body.toString()).toBe('{"n":3}');
    expect(dead?.deliveries[0]?.error).toMatchObject({ code: 'STORE_DATA', message: expect.stringMatching(/54000/) });
    expect(handled.toSorted((a, b) => a - b)).toEqual([1, 2, 4, 5]);
  });

  it('the end of a handler is recorded when that is possible again, and the handler has run once', async () => {
    const { messageId } = await agents.send(to, Gated, { n: 1 });
    await until('the handler', () => gates.length > 0);
    await lock('deliveries');
    gates[0]?.();
    await refused('deliveries');
    await unlock();
    await until('the completion', async () => (await deliveryOf(messageId))?.state === 'completed');
    expect(await deliveryOf(messageId)).toMatchObject({ attempt: 1, history: [] });
    expect(handled).toEqual([1]);
  });

  it('a database that refuses the agent ends its start, which waits for one that is away', async () => {
    const nowhere = databaseUrl().replace(/\/[^/?]*(\?|$)/, '/no_such_database$1');
    const start = system.start({ id: 'sender-2', controllers: [Sender], databaseUrl: nowhere });
    await expect(start).rejects.toMatchObject({
      code: 'STORE_ACCESS',
      message: expect.stringMatching(/does not let this process in: .*no_such_database/),
    });
  });

  it('a send that may wait does so, whatever the reason', async () => {
    await lock('messages');
    const sent = agents.send(to, Numbered, { n: 9 }, { wait: 10_000 });
    const impatient = agents.send(to, Numbered, { n: 10 });
    await expect(impatient).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    await unlock();
    await sent;
    await until('its handler', () => handled.includes(9));
  });
});
