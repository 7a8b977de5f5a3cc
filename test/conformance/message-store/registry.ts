import { beforeEach, describe, expect, it } from '@jest/globals';
import { toAgent, toTopic } from 'agentmq/protocol';
import type { HeartbeatRecord, AgentRecord, AgentRegistration } from 'agentmq/message-store';
import { until } from '../../support/index.js';
import { type Harness, newMessage, wipe } from './harness.js';

const agent = (fields: Partial<AgentRegistration> = {}): AgentRegistration => ({
  id: 'worker-1',
  role: 'worker',
  capabilities: ['work', 'nlp_"odd",{}'],
  instance: 'i-1',
  version: '1.0.0',
  concurrency: 8,
  ...fields,
});

const beat = (sequence: number, fields: Partial<HeartbeatRecord> = {}): HeartbeatRecord => ({
  id: 'worker-1',
  instance: 'i-1',
  sequence,
  capabilities: ['work'],
  version: '1.0.0',
  load: 0.25,
  inFlight: 3,
  concurrency: 16,
  circuits: [{ agent: 'worker-2', state: 'open', since: '2026-01-01T00:00:00.000Z' }],
  ...fields,
});

/** The agents. */
export function registry(of: () => Harness): void {
  describe('agents', () => {
    beforeEach(() => wipe(of().store));

    const only = async (): Promise<AgentRecord | undefined> => (await of().store.agents.read()).agents[0];

    it('there are none, at a moment of the database', async () => {
      const { store } = of();
      const before = await store.database.now();
      const { now, agents } = await store.agents.read();
      expect(agents).toEqual([]);
      expect(now.getTime()).toBeGreaterThanOrEqual(before.getTime());
      expect(now.getTime()).toBeLessThanOrEqual((await store.database.now()).getTime());
    });

    it('registers, lists by id, and takes heartbeats with all that they say', async () => {
      const { store } = of();
      const record = await store.agents.register(agent());
      expect(record).toEqual({
        ...agent(),
        roles: ['worker'],
        incarnation: 1,
        sequence: 0,
        load: 0,
        inFlight: 0,
        circuits: [],
        handles: [],
        paused: false,
        stopped: false,
        registeredAt: expect.any(Date),
        heartbeatAt: expect.any(Date),
      });
      const other = await store.agents.register(agent({ id: 'Worker-0' }));
      expect((await store.agents.read()).agents).toEqual([other, record]);
      expect((await store.agents.read(['worker-1', 'no such agent'])).agents).toEqual([record]);
      expect((await store.agents.read([])).agents).toEqual([]);
      const said = beat(1, { capabilities: ['"a",', 'b'], version: '1.0.1' });
      expect(await store.agents.heartbeat(said)).toBe('recorded');
      const { agents, now } = await store.agents.read();
      expect(agents[0]).toEqual(other);
      expect(agents[1]).toEqual({ ...record, ...said, heartbeatAt: expect.any(Date) });
      expect(agents[1]?.heartbeatAt.getTime()).toBeGreaterThanOrEqual(record.heartbeatAt.getTime());
      expect(agents[1]?.heartbeatAt.getTime()).toBeLessThanOrEqual(now.getTime());
    });

    it('tells which have changed by more than that they are alive, and which are silent', async () => {
      const { store } = of();
      const table = `"${store.database.schema}".agents`;
      for (const id of ['a', 'b', 'c']) await store.agents.register(agent({ id }));
      let since = '';
      // while a transaction is open that began before a change, be it another database's, the change is told again
      const goOn = (): Promise<unknown> =>
        until('older transactions to end', async () => {
          since = (await store.agents.read()).position;
          const sql = `SELECT bool_and(changed_in < $1::text::xid8) AS past FROM ${table}`;
          return (await store.database.query<{ past: boolean }>(sql, [since]))[0]?.past;
        });
      const changed = async (ids: string[] = []): Promise<string[]> => {
        const { agents } = await store.agents.read(ids, { since, silentMs: 60_000 });
        await goOn();
        return agents.map(({ id }) => id);
      };
      await goOn();
      const said = { id: 'a', capabilities: agent().capabilities, concurrency: 8, circuits: [], load: 0 };
      await store.agents.heartbeat(beat(1, said));
      expect(await changed()).toEqual([]);
      expect(await changed(['b', 'none'])).toEqual(['b']);
      const steps = [{ load: 0.2 }, { load: 0.2, circuits: beat(0).circuits }, { capabilities: [] }, { version: '2' }];
      for (const [index, step] of steps.entries()) {
        await store.agents.heartbeat(beat(2 + index, { ...said, ...step }));
        expect(await changed()).toEqual(['a']);
      }
      await store.agents.register(agent({ id: 'b', instance: 'i-2' }));
      await store.agents.deregister({ id: 'c', instance: 'i-1' });
      expect(await changed()).toEqual(['b', 'c']);
      await store.database.query(`UPDATE ${table} SET heartbeat_at = heartbeat_at - interval '2 minutes'`);
      // one that has stopped is not silent
      expect(await changed()).toEqual(['a', 'b']);
      await store.agents.heartbeat(beat(7, { ...said, version: '2' }));
      expect(await changed()).toEqual(['b']);
    });

    it('misses no change of a transaction that is committed after the reading', async () => {
      const { store } = of();
      await store.agents.register(agent());
      await store.agents.register(agent({ id: 'worker-2' }));
      if (store.database.transactionsAtOnce === 1) return;
      const position = await store.database.transaction(async (transaction) => {
        await transaction.query(
          `UPDATE "${store.database.schema}".agents SET changed_in = pg_current_xact_id() WHERE id = 'worker-1'`,
        );
        return (await store.agents.read()).position;
      });
      const { agents } = await store.agents.read([], { since: position, silentMs: 60_000 });
      expect(agents.map(({ id }) => id)).toEqual(['worker-1']);
    });

    it('a heartbeat that comes late changes nothing, and is no reason to worry', async () => {
      const { store } = of();
      await store.agents.register(agent());
      await store.agents.heartbeat(beat(5));
      const before = await only();
      for (const late of [5, 4, 1]) {
        const outcome = await store.agents.heartbeat(
          beat(late, { load: 1, inFlight: 9, capabilities: [], version: '0', concurrency: 1, circuits: [] }),
        );
        expect(outcome).toBe('recorded');
      }
      expect(await only()).toEqual(before);
    });

    it('replaces an instance, which can then neither beat nor deregister', async () => {
      const { store } = of();
      await store.agents.register(agent());
      await store.agents.heartbeat(beat(7));
      const fresh = await store.agents.register(agent({ instance: 'i-2', capabilities: [] }));
      expect(fresh).toMatchObject({
        instance: 'i-2',
        incarnation: 2,
        sequence: 0,
        capabilities: [],
        load: 0,
        circuits: [],
      });
      expect(await store.agents.heartbeat(beat(8))).toBe('replaced');
      await store.agents.deregister({ id: 'worker-1', instance: 'i-1' });
      expect(await only()).toEqual(fresh);
      expect(await store.agents.heartbeat(beat(1, { instance: 'i-2' }))).toBe('recorded');
    });

    it('deregisters; a late heartbeat does not bring the agent back, a registration does', async () => {
      const { store } = of();
      await store.agents.register(agent());
      await store.agents.heartbeat(beat(1));
      await store.agents.deregister({ id: 'worker-1', instance: 'i-1' });
      expect(await store.agents.heartbeat(beat(2))).toBe('replaced');
      expect(await only()).toMatchObject({ stopped: true, sequence: 1, circuits: [] });
      await store.agents.register(agent());
      expect(await only()).toMatchObject({ stopped: false, incarnation: 2 });
    });

    it('has several roles, and of an instance of the version before the one that this has written', async () => {
      const { store } = of();
      const roles = ['worker', 'clerk'];
      await store.agents.register(agent({ roles }));
      expect(await only()).toMatchObject({ role: 'worker', roles });
      await store.database.query(
        `UPDATE "${store.database.schema}".agents SET role = 'other', instance = 'i-2', incarnation = 2`,
      );
      expect(await only()).toMatchObject({ role: 'other', roles: ['other'] });
    });

    it('many that register the same id at once get different numbers, and the last of them has it', async () => {
      const { others } = of();
      const records = await Promise.all(
        others.flatMap((other, n) => [1, 2, 3].map((m) => other.agents.register(agent({ instance: `i-${n}-${m}` })))),
      );
      const numbers = records.map(({ incarnation }) => incarnation).sort((a, b) => a - b);
      expect(numbers).toEqual(records.map((_, index) => index + 1));
      const inTurn = [...records].sort((a, b) => a.incarnation - b.incarnation);
      const times = inTurn.map(({ registeredAt }) => registeredAt.getTime());
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(await only()).toEqual(inTurn.at(-1));
    });

    it('of many heartbeats at once, the latest counts', async () => {
      const { store, others } = of();
      await store.agents.register(agent());
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          (others[n % others.length] ?? of().store).agents.heartbeat(beat(30 - n, { inFlight: 30 - n })),
        ),
      );
      expect(new Set(outcomes)).toEqual(new Set(['recorded']));
      expect(await only()).toMatchObject({ sequence: 30, inFlight: 30 });
    });

    it('ends the silent whose id never comes back, and all that they are owed; a stable id keeps it', async () => {
      const { store } = of();
      for (const [id, ephemeral] of [
        ['a-1', true],
        ['a-2', true],
        ['stable', false],
      ] as const) {
        await store.agents.register(agent({ id, ephemeral }));
        await store.subscriptions.subscribe(`agent.${id}`, ['news'], true);
        await store.pauses.put({ target: `agent.${id}`, drain: false, by: 'ann', reason: 'a test' });
      }
      const [news, direct] = [newMessage({ recipient: toTopic('news') }), newMessage({ recipient: toAgent('a-1') })];
      await store.outbox.append([news, direct], { owner: 'sender' });
      expect(await store.agents.end(60_000)).toEqual([]);
      await store.database.query(
        `UPDATE "${store.database.schema}".agents SET heartbeat_at = heartbeat_at - interval '2 minutes' WHERE id <> 'a-2'`,
      );
      expect(await store.agents.end(60_000)).toEqual(['a-1']);
      expect((await store.agents.read()).agents.map(({ id }) => id)).toEqual(['a-2', 'stable']);
      expect((await store.pauses.list()).map(({ target }) => target)).toEqual(['agent.a-2', 'agent.stable']);
      const gone = { state: 'expired', error: { code: 'RECIPIENT_GONE' } };
      const states = async (id: string) =>
        (await store.history.find(id))?.deliveries.toSorted((a, b) => (a.consumer < b.consumer ? -1 : 1));
      expect(await states(direct.messageId)).toMatchObject([gone]);
      expect(await states(news.messageId)).toMatchObject([
        { consumer: 'agent.a-1', ...gone },
        { consumer: 'agent.a-2', state: 'pending' },
        { consumer: 'agent.stable', state: 'pending' },
      ]);
      const later = newMessage({ recipient: toTopic('news') });
      await store.outbox.append([later], { owner: 'sender' });
      expect(await states(later.messageId)).toMatchObject([{ consumer: 'agent.a-2' }, { consumer: 'agent.stable' }]);
    });

    it('forgets the silent, unless all are; a heartbeat of one that it does not know is unknown', async () => {
      const { store } = of();
      expect(await store.agents.heartbeat(beat(1, { id: 'ghost' }))).toBe('unknown');
      await store.agents.register(agent());
      await store.agents.register(agent({ id: 'stopped' }));
      await store.agents.deregister({ id: 'stopped', instance: 'i-1' });
      await store.agents.forget(60_000);
      expect((await store.agents.read()).agents).toHaveLength(2);
      await store.database.query(
        `UPDATE "${store.database.schema}".agents SET heartbeat_at = heartbeat_at - interval '2 minutes'`,
      );
      await store.agents.forget(60_000);
      expect((await store.agents.read()).agents).toHaveLength(2);
      await store.agents.register(agent({ id: 'fresh' }));
      await store.agents.forget(60_000);
      expect((await store.agents.read()).agents.map(({ id }) => id)).toEqual(['fresh']);
      expect(await store.agents.heartbeat(beat(1))).toBe('unknown');
      expect(await store.agents.register(agent())).toMatchObject({ incarnation: 1 });
    });
  });
}
