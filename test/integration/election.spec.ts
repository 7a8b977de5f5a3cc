import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext, OnApplicationBootstrap } from '@nestjs/common';
import { Agent, AgentClient, AgentRegistry } from 'agentmq/agent';
import { Broker, type Publication } from 'agentmq/broker';
import { ElectionMessage } from 'agentmq/coordination';
import { Contract, InvalidMessageError, toTopic } from 'agentmq/protocol';
import {
  AlreadyJoinedError,
  DeposedError,
  type ElectionGroup,
  ElectionModule,
  type ElectionState,
  Elections,
  type JoinOptions,
  type Leadership,
  NotAMemberError,
  NotLeaderError,
  TransferFailedError,
} from 'agentmq/coordination';
import type { Transaction } from 'agentmq/database';
import { BusStoppedError, MessageBus } from 'agentmq/messaging';
import pg from 'pg';
import { databaseUrl, freePort, TcpProxy, testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'led' })
class Led {}

@Agent({ role: 'elector' })
class Elector {}

const WAIT_MS = 20_000;
const HEARTBEAT_MS = 200;
const ids = ['a', 'b', 'c'] as const;
type Id = (typeof ids)[number];
interface Member {
  readonly elections: Elections;
  readonly agent: INestApplicationContext;
  readonly broker: TcpProxy;
  readonly database: TcpProxy;
}

async function connected(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl() });
  await client.connect();
  return client;
}

describe('an election', () => {
  const system = new TestSystem({
    REGISTRY_HEARTBEAT_INTERVAL: '1',
    REGISTRY_AGENT_TIMEOUT: '3',
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: String(HEARTBEAT_MS / 1_000),
    COORDINATION_ELECTION_TIMEOUT: '0.8',
  });
  const schema = system.namespace;
  const members = new Map<string, Member>();
  const proxies: TcpProxy[] = [];
  let sql: pg.Client;
  /** One group of all three, in which most tests depose somebody. */
  let groups: Map<string, ElectionGroup>;

  const start = async (id: string): Promise<Member> => {
    const [broker, database] = await Promise.all([
      TcpProxy.before(testBus.sharedUrl()),
      TcpProxy.before(databaseUrl()),
    ]);
    const agent = await system.start({
      id,
      controllers: [Elector],
      imports: [ElectionModule],
      urls: [broker.through(testBus.sharedUrl())],
      databaseUrl: database.through(databaseUrl()),
    });
    proxies.push(broker, database);
    const member = { elections: agent.get(Elections), agent, broker, database };
    members.set(id, member);
    return member;
  };
  const memberOf = (id: string): Member => members.get(id) as Member;

  /** The group as each of these agents sees it. */
  const join = async (group: string, of: readonly string[]): Promise<Map<string, ElectionGroup>> => {
    const groups = await Promise.all(of.map((id) => memberOf(id).elections.join(group)));
    return new Map(of.map((id, index) => [id, groups[index] as ElectionGroup]));
  };
  /** Waits until one of them leads and all follow it. */
  const leaderOf = (groups: ReadonlyMap<string, ElectionGroup>): Promise<string> =>
    until(
      'a leader whom all follow',
      () => {
        const leaders = [...groups].filter(([, { state }]) => state.isLeader);
        const [id, group] = leaders[0] ?? [];
        if (!id || leaders.length > 1) return undefined;
        const { term } = (group as ElectionGroup).state;
        return [...groups.values()].every(({ state }) => state.leader === id && state.term === term) ? id : undefined;
      },
      WAIT_MS,
    );
  const without = <T>(map: ReadonlyMap<string, T>, id: string): Map<string, T> =>
    new Map([...map].filter(([each]) => each !== id));
  const get = (groups: ReadonlyMap<string, ElectionGroup>, id: string): ElectionGroup =>
    groups.get(id) as ElectionGroup;
  const leadershipOf = (group: ElectionGroup): Leadership => {
    if (!group.leadership) throw new Error('leads no more');
    return group.leadership;
  };

  const writes =
    (text: string) =>
    (transaction: Transaction): Promise<unknown[]> =>
      transaction.query(`INSERT INTO ${schema}.written (text) VALUES ($1)`, [text]);
  const written = async (): Promise<string[]> =>
    (await sql.query<{ text: string }>(`SELECT text FROM ${schema}.written`)).rows.map(({ text }) => text);
  const onRecord = async (): Promise<{ term: number; leader: string } | undefined> => {
    const found = await sql.query<{ term: string; leader: string }>(
      `SELECT term, leader FROM ${schema}.leaderships WHERE group_name = 'electors'`,
    );
    return found.rows[0] && { ...found.rows[0], term: Number(found.rows[0].term) };
  };
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

  beforeAll(async () => {
    sql = await connected();
    await Promise.all(ids.map(start));
    await sql.query(`CREATE TABLE ${schema}.written (text text PRIMARY KEY)`);
    const known = (id: Id) => memberOf(id).agent.get(AgentRegistry).find().length === ids.length;
    await until('all to know each other', () => ids.every(known), WAIT_MS);
    groups = await join('electors', ids);
  }, 60_000);
  afterAll(async () => {
    await system.close();
    await sql.end();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }, 60_000);

  it('has one leader, on record, whom all follow', async () => {
    const leader = await leaderOf(groups);
    const { term } = get(groups, leader).state;
    expect(await onRecord()).toEqual({ term, leader });
    expect(get(groups, leader).state).toEqual({ role: 'leader', term, leader, isLeader: true });
    expect(leadershipOf(get(groups, leader)).term).toBe(term);
    for (const [id, { state, leadership, members: known }] of groups) {
      expect(known).toEqual(ids);
      if (id === leader) continue;
      expect(state).toEqual({ role: 'follower', term, leader, isLeader: false });
      expect(leadership).toBeUndefined();
    }
  });

  it('is held at once when the leader closes gracefully', async () => {
    await start('guest');
    const closing = await join('closing', ['guest', 'a']);
    const first = await leaderOf(closing);
    if (first !== 'guest') await get(closing, first).transfer('guest', { timeout: WAIT_MS });
    const { term, signal } = leadershipOf(get(closing, 'guest'));
    await memberOf('guest').agent.close();
    const a = get(closing, 'a');
    await until('the other to lead', () => a.state.isLeader, WAIT_MS);
    expect(a.state.term).toBeGreaterThan(term);
    expect(signal.reason).toBeInstanceOf(DeposedError);
    await until('the one that left to be no member', () => a.members.length === 1, WAIT_MS);
    await a.leave();
  });

  it('does not wait for what an earlier life of the group has left on record', async () => {
    await sql.query(
      `INSERT INTO ${schema}.agents (id, role, capabilities, instance, version, registered_at, heartbeat_at)
       SELECT 'past-' || n, 'elector', '{election.lives}', 'past-' || n, '1', at, at
       FROM generate_series(1, 3) AS n, (SELECT now() - interval '1 day' AS at) AS past`,
    );
    await start('present');
    const lives = await join('lives', ['present']);
    expect(get(lives, 'present').members).toEqual(['present']);
    expect(await leaderOf(lives)).toBe('present');
    await memberOf('present').agent.close();
    await sql.query(`DELETE FROM ${schema}.agents WHERE id LIKE 'past-%'`);
  });

  it('goes on, whatever those who watch it do', async () => {
    const watched = get(groups, 'a');
    const states: ElectionState[] = [];
    const throwing = watched.changes.subscribe(() => {
      throw new Error('thrown by an observer');
    });
    const watching = watched.changes.subscribe((state) => states.push(state));
    const leader = await leaderOf(groups);
    get(groups, leader).resign();
    await until('an election', () => states.some(({ term }) => term > (states[0]?.term ?? 0)), WAIT_MS);
    await leaderOf(groups);
    for (const subscription of [throwing, watching]) subscription.unsubscribe();
  });

  it('hands the leadership over', async () => {
    const leader = await leaderOf(groups);
    const [heir = '', third = ''] = ids.filter((id) => id !== leader);
    const { term } = get(groups, leader).state;
    expect(await failure(get(groups, heir).transfer(third))).toBeInstanceOf(NotLeaderError);
    expect(await failure(get(groups, leader).transfer('nobody'))).toBeInstanceOf(NotAMemberError);
    await get(groups, leader).transfer(heir, { timeout: WAIT_MS });
    expect(await leaderOf(groups)).toBe(heir);
    expect(get(groups, heir).state.term).toBeGreaterThan(term);
  });

  it('follows when the leader resigns', async () => {
    const leader = await leaderOf(groups);
    const { signal, term } = leadershipOf(get(groups, leader));
    get(groups, leader).resign();
    expect(signal.aborted).toBe(true);
    expect(get(groups, leader).state).toMatchObject({ role: 'follower', isLeader: false });
    expect(await failure(get(groups, leader).fence(term, writes('after resigning')))).toBeInstanceOf(DeposedError);
    const next = await leaderOf(groups);
    expect(get(groups, next).state.term).toBeGreaterThan(term);
  });

  it('of a lone member elects that one, whatever its callbacks throw; it can join again, but not twice', async () => {
    const { elections } = memberOf('b');
    const told: string[] = [];
    const callbacks: JoinOptions = {
      onElected: ({ term }) => {
        told.push(`elected in ${term}`);
        throw new Error('thrown by onElected');
      },
      onDeposed: (term, reason) => {
        told.push(`deposed in ${term}: ${reason}`);
        return Promise.reject(new Error('rejected by onDeposed'));
      },
    };
    const group = await elections.join('lone', callbacks);
    const seen: boolean[] = [];
    let completed = false;
    group.changes.subscribe({ next: ({ isLeader }) => seen.push(isLeader), complete: () => (completed = true) });
    await until('a leader', () => group.state.isLeader, WAIT_MS);
    expect(await failure(elections.join('lone'))).toBeInstanceOf(AlreadyJoinedError);
    for (const name of ['', 'a b', 'a*', 'a..b', '.a', 'x'.repeat(101)])
      expect(await failure(elections.join(name))).toBeInstanceOf(InvalidMessageError);
    await group.leave();
    expect([seen[0], seen.at(-1), seen.includes(true), completed]).toEqual([false, false, true, true]);
    await until('both callbacks', () => told.length === 2);
    expect(told).toEqual(['elected in 1', 'deposed in 1: resigned']);
    const again = await elections.join('lone');
    await until('a leader again', () => again.state.isLeader, WAIT_MS);
    await again.leave();
  });

  it('is quiet once a lone member leads, which one that joins follows in the same term', async () => {
    const listening = memberOf('c').agent.get(MessageBus);
    const heard: string[] = [];
    const listener = await listening.listen(['election.quiet.all'], ElectionMessage, ({ kind }) => heard.push(kind));
    const alone = await memberOf('a').elections.join('quiet');
    await until('a leader', () => alone.state.isLeader, WAIT_MS);
    const { term } = alone.state;
    // said once, when it was elected
    await until('it to say so', () => heard.length > 0, WAIT_MS);
    const end = performance.now() + 10 * HEARTBEAT_MS;
    await until('ten heartbeats', () => performance.now() > end, WAIT_MS);
    expect(heard).toEqual(['leading']);
    expect(alone.state).toMatchObject({ isLeader: true, term });
    const joined = await memberOf('b').elections.join('quiet');
    await until('the leader to be known', () => joined.state.leader === 'a', WAIT_MS);
    expect(joined.state).toMatchObject({ role: 'follower', term });
    await alone.leave();
    await until('the other to lead', () => joined.state.isLeader, WAIT_MS);
    await Promise.all([joined.leave(), listener.close()]);
  });

  it('is held in each group by itself; a transfer that does not come about in time is told', async () => {
    const blue = await join('blue', ids);
    const [leader, other] = await Promise.all([leaderOf(groups), leaderOf(blue)]);
    const [heir = ''] = ids.filter((id) => id !== leader);
    const before = get(blue, other).state;
    await get(groups, leader).transfer(heir, { timeout: WAIT_MS });
    expect(await leaderOf(groups)).toBe(heir);
    expect(get(blue, other).state).toEqual(before);
    const [late = ''] = ids.filter((id) => id !== other);
    const vain = failure(get(blue, other).transfer(late, { timeout: 0 }));
    expect(await vain).toBeInstanceOf(TransferFailedError);
    await Promise.all([...blue.values()].map((group) => group.leave()));
  });

  describe('fences', () => {
    it('the writes of its leader, and of nobody else', async () => {
      const leader = await leaderOf(groups);
      const [other = ''] = ids.filter((id) => id !== leader);
      const { term, fence } = leadershipOf(get(groups, leader));
      expect(await fence(async (transaction) => (await writes('led')(transaction), 42))).toBe(42);
      expect(await failure(get(groups, leader).fence(term - 1, writes('earlier term')))).toBeInstanceOf(DeposedError);
      expect(await failure(get(groups, other).fence(term, writes("another's term")))).toBeInstanceOf(DeposedError);
      const thrown = new Error('thrown by the work');
      expect(await failure(fence(async (tx) => (await writes('thrown')(tx), Promise.reject(thrown))))).toBe(thrown);
      expect(await written()).toEqual(['led']);
    });

    it('rolls back all of a transaction during which its leader was deposed, and sends nothing of it', async () => {
      const leader = await leaderOf(groups);
      const client = memberOf(leader).agent.get(AgentClient);
      let sent = '';
      const [heir = ''] = ids.filter((id) => id !== leader);
      const refused = await failure(
        leadershipOf(get(groups, leader)).fence(async (transaction) => {
          await writes('before')(transaction);
          ({ messageId: sent } = await client.send({ role: 'elector' }, Led, {}));
          await get(groups, leader).transfer(heir, { timeout: WAIT_MS });
          await writes('after')(transaction);
        }),
      );
      expect(refused).toMatchObject({ code: 'DEPOSED', latest: get(groups, heir).state.term });
      expect(await written()).not.toEqual(expect.arrayContaining([expect.stringMatching(/before|after/)]));
      expect([sent.length > 0, await system.store.history.find(sent)]).toEqual([true, undefined]);
    });

    it('has the next leader wait for a commit that is under way', async () => {
      const leader = await leaderOf(groups);
      const { term, fence } = leadershipOf(get(groups, leader));
      await sql.query(`
        CREATE FUNCTION ${schema}.wait() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext('${schema}')); RETURN NULL; END $$;
        CREATE TABLE ${schema}.slow (text text);
        CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON ${schema}.slow DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION ${schema}.wait()`);
      let committed: Promise<unknown[]>;
      const holder = await connected();
      try {
        await holder.query(`SELECT pg_advisory_lock(hashtext($1))`, [schema]);
        committed = fence((transaction) => transaction.query(`INSERT INTO ${schema}.slow VALUES ('by ${leader}')`));
        await until('the commit to wait', () => waiting('advisory'), WAIT_MS);
        get(groups, leader).resign();
        await until('a claim to wait', () => waiting('transactionid'), WAIT_MS);
        expect(await onRecord()).toEqual({ term, leader });
      } finally {
        await holder.end();
      }
      await committed;
      const next = await leaderOf(groups);
      expect((await onRecord())?.term).toBe(get(groups, next).state.term);
      expect(await rowsOf('slow')).toEqual([`by ${leader}`]);
    });

    it('has the next leader wait no longer than a few seconds for one that stands still before its commit', async () => {
      const leader = await leaderOf(groups);
      const { database, broker } = memberOf(leader);
      const { fence } = leadershipOf(get(groups, leader));
      const holder = await connected();
      await holder.query(`BEGIN; SELECT FROM ${schema}.leaderships WHERE group_name = 'electors' FOR UPDATE`);
      const stopped = failure(fence(writes('stopped')));
      await until('the last check to wait', () => waiting('transactionid'), WAIT_MS);
      // from here on it hears nothing: its session stands between the check and the commit
      database.freeze();
      broker.freeze();
      await holder.end();
      const next = await leaderOf(without(groups, leader));
      expect((await onRecord())?.leader).toBe(next);
      broker.thaw();
      database.thaw();
      expect(await stopped).toBeInstanceOf(Error);
      expect(await written()).not.toContain('stopped');
      await leaderOf(groups);
    }, 60_000);
  });

  it('deposes a leader that is cut off from the bus, not from the database', async () => {
    const leader = await leaderOf(groups);
    const { broker } = memberOf(leader);
    const { term, fence, signal } = leadershipOf(get(groups, leader));
    let next = '';
    const refused = await failure(
      fence(async (transaction) => {
        await writes('cut off')(transaction);
        broker.refuse();
        broker.cut();
        next = await leaderOf(without(groups, leader));
      }),
    );
    expect(refused).toMatchObject({ code: 'DEPOSED', latest: get(groups, next).state.term });
    expect(signal.aborted).toBe(true);
    expect(get(groups, leader).state.isLeader).toBe(false);
    expect(await failure(get(groups, leader).fence(term, writes('again')))).toBeInstanceOf(DeposedError);
    await leadershipOf(get(groups, next)).fence(writes('by the next'));
    expect(await written()).toEqual(expect.not.arrayContaining(['cut off', 'again']));
    await broker.accept();
    await leaderOf(groups);
  }, 60_000);

  it('has a leader resign that is cut off from the database, not from the bus', async () => {
    const leader = await leaderOf(groups);
    const { database } = memberOf(leader);
    const { fence, signal } = leadershipOf(get(groups, leader));
    database.refuse();
    database.cut();
    expect(await failure(fence(writes('without a database')))).toBeInstanceOf(Error);
    await until('it to resign', () => signal.aborted, WAIT_MS);
    const next = await leaderOf(groups);
    expect(next).not.toBe(leader);
    await leadershipOf(get(groups, next)).fence(writes('with a database'));
    expect(await written()).toContain('with a database');
    expect(await written()).not.toContain('without a database');
    await database.accept();
  }, 60_000);

  it('elects nobody while the database is away from all, and somebody once it is back', async () => {
    const leader = await leaderOf(groups);
    const { term, signal } = leadershipOf(get(groups, leader));
    const databases = ids.map((id) => memberOf(id).database);
    for (const database of databases) {
      database.refuse();
      database.cut();
    }
    await until('the leader to resign', () => signal.aborted, WAIT_MS);
    expect([...groups.values()].some(({ state }) => state.isLeader)).toBe(false);
    await Promise.all(databases.map((database) => database.accept()));
    const next = await leaderOf(groups);
    expect(get(groups, next).state.term).toBeGreaterThan(term);
    await leadershipOf(get(groups, next)).fence(writes('after the outage'));
  }, 60_000);

  it('takes the word of an agent only from its latest instance', async () => {
    const old = await start('twin');
    const before = await old.elections.join('twins');
    await until('a leader', () => before.state.isLeader, WAIT_MS);
    const { term, signal } = leadershipOf(before);
    const group = await (await start('twin')).elections.join('twins');
    await until('the latest instance to lead', () => group.state.isLeader, WAIT_MS);
    expect(group.state.term).toBeGreaterThan(term);
    await until('the earlier instance to know', () => signal.aborted && !before.state.isLeader, WAIT_MS);
    expect(await failure(before.fence(term, writes('twin')))).toBeInstanceOf(DeposedError);
  });

  it('hears nothing of what an instance says that has been replaced', async () => {
    const leader = await leaderOf(groups);
    const { term } = get(groups, leader).state;
    const { agent } = memberOf(leader);
    const [self] = agent.get(AgentRegistry).find({ id: leader });
    const incarnation = (self?.incarnation ?? 0) - 1;
    const late = {
      group: 'electors',
      from: leader,
      incarnation,
      kind: 'leading',
      round: 0,
      term: term + 1_000,
    } as const;
    agent.get(MessageBus).announce('election.electors.all', ElectionMessage, late, { ttl: WAIT_MS });
    const [heir = ''] = ids.filter((id) => id !== leader);
    await get(groups, leader).transfer(heir, { timeout: WAIT_MS });
    expect(get(groups, heir).state.term).toBeLessThan(term + 1_000);
  });

  it('elects in the next term, whatever is told in the name of a member, or of an agent that is none', async () => {
    const { term } = get(groups, await leaderOf(groups)).state;
    const agent = { id: 'outsider', role: 'elector', instance: 'o', version: '1', concurrency: 1, handles: [] };
    await system.store.agents.register({ ...agent, capabilities: ['election.other'] });
    // as a client publishes that is no agent of ours
    const broker = memberOf(ids[0] as string).agent.get(Broker);
    const said = { incarnation: 1_000, term: 1e12, granted: false, transfer: true, round: 1e15 };
    const kinds = ['vote_request', 'leading', 'following', 'vote_answer', 'pre_vote_answer', 'time_out_now'] as const;
    const told: Publication[] = [];
    for (const from of ['nobody', 'outsider', ...ids])
      for (const kind of kinds)
        for (const topic of [...ids.map((id) => `to.${id}`), 'all']) {
          const body = JSON.stringify({ group: 'electors', from, kind, ...said });
          told.push({
            recipient: toTopic(`election.electors.${topic}`),
            mandatory: false,
            persistent: false,
            properties: { type: 'election_message', appId: from, headers: {} },
            body: Buffer.from(body),
          });
        }
    await Promise.all(told.map((publication) => broker.publish(publication)));
    const leading = await leaderOf(groups);
    const [heir = ''] = ids.filter((id) => id !== leading);
    await get(groups, leading).transfer(heir, { timeout: WAIT_MS });
    get(groups, heir).resign();
    await leaderOf(groups);
    const { rows } = await sql.query<{ term: string }>(
      `SELECT term FROM ${schema}.leaderships UNION ALL SELECT term FROM ${schema}.election_votes`,
    );
    for (const row of rows) expect(Number(row.term)).toBeLessThan(term + 100);
    await sql.query(`DELETE FROM ${schema}.agents WHERE id = 'outsider'`);
  });

  it('has a leader whatever term stands in the database', async () => {
    const insert = (table: string, columns: string, values: readonly unknown[]): Promise<unknown> =>
      sql.query(`INSERT INTO ${schema}.${table} (${columns}) VALUES ($1, $2, $3, $4)`, [...values]);
    await insert('election_votes', 'group_name, term, agent_id, voted_for', [
      'attacked',
      '1000000000000',
      'a',
      'ghost',
    ]);
    await insert('election_votes', 'group_name, term, agent_id, voted_for', [
      'attacked',
      '9223372036854775807',
      'b',
      'b',
    ]);
    await insert('leaderships', 'group_name, term, leader, instance', ['attacked', '9007199254740993', 'ghost', 'g']);
    const attacked = await join('attacked', ids);
    const leader = await leaderOf(attacked);
    expect(get(attacked, leader).state.term).toBeGreaterThan(1e12);
    expect(get(attacked, leader).state.term).toBeLessThan(1e12 + 100);
    await leadershipOf(get(attacked, leader)).fence(writes('after the attack'));
    expect(await written()).toContain('after the attack');
    for (const group of attacked.values()) await group.leave();
  });

  /** Whether a session of this test's waits for such a lock. */
  async function waiting(lock: string): Promise<boolean> {
    const { rows } = await sql.query(
      `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = $1 AND query LIKE '%' || $2 || '%'`,
      [lock, lock === 'advisory' ? 'COMMIT' : schema],
    );
    return rows.length > 0;
  }

  async function rowsOf(table: string): Promise<string[]> {
    return (await sql.query<{ text: string }>(`SELECT text FROM ${schema}.${table}`)).rows.map(({ text }) => text);
  }
});

/** An unhandled rejection fails the test, as it would end the process. */
describe('joining that is not awaited', () => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: 'in_memory',
    MESSAGE_BUS_START: 'degraded',
    SHUTDOWN_TIMEOUT: '1',
  });
  afterAll(() => system.close());

  @Agent({ role: 'eager' })
  class Eager implements OnApplicationBootstrap {
    constructor(private readonly elections: Elections) {}

    onApplicationBootstrap(): void {
      void this.elections.join('electors');
      // a second time, and by a name that no group can have
      void this.elections.join('electors');
      void this.elections.join('no name');
    }
  }

  it('is no failure of the process when the agent stops before it takes part', async () => {
    const away = new URL(databaseUrl());
    away.port = String(await freePort());
    const agent = await system.start({
      id: 'eager-1',
      controllers: [Eager],
      imports: [ElectionModule],
      databaseUrl: away.href,
    });
    const joined = agent.get(Elections).join('another');
    await agent.close();
    await expect(joined).rejects.toBeInstanceOf(BusStoppedError);
  });
});
