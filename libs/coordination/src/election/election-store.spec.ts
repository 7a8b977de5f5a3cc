import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from 'agentmq/database';
import { databaseUrl, randomNamespace, removeNamespace, until } from '../../../../test/support/index.js';
import { ElectionStore } from './election-store.js';
import { DeposedError } from './errors.js';

describe('the record of elections', () => {
  const namespace = randomNamespace('election');
  const database = Database.connect({ url: databaseUrl(), namespace });
  const record = new ElectionStore(database);

  beforeAll(() => database.migrate(), 30_000);
  afterAll(async () => {
    await database.close();
    await removeNamespace(namespace);
  });

  const votes = (group: string): Promise<{ agent_id: string }[]> =>
    database.query(`SELECT agent_id FROM "${database.schema}".election_votes WHERE group_name = $1 ORDER BY 1`, [
      group,
    ]);

  it('keeps one vote of a member for each term, and never an earlier one', async () => {
    expect(await record.load('votes', 'm')).toMatchObject({ term: 0, votedFor: undefined });
    for (const candidate of ['a', 'b']) {
      await record.vote('votes', candidate, 2, candidate);
      await record.vote('votes', candidate, 3, candidate);
    }
    expect(await record.vote('votes', 'm', 3, 'a')).toMatchObject({ ok: true });
    expect(await record.vote('votes', 'm', 3, 'b')).toEqual({ ok: false, latest: 3 });
    expect(await record.vote('votes', 'm', 2, 'b')).toEqual({ ok: false, latest: 3 });
    expect(await record.vote('votes', 'm', 3, 'a')).toEqual({ ok: true, latest: 3 });
    expect(await record.load('votes', 'm')).toMatchObject({ term: 3, votedFor: 'a' });
    await record.vote('votes', 'b', 4, 'b');
    expect(await record.vote('votes', 'm', 4, 'b')).toMatchObject({ ok: true });
    expect(await record.load('votes', 'm')).toMatchObject({ term: 4, votedFor: 'b' });
    expect(await record.load('votes', 'n')).toMatchObject({ term: 0, votedFor: undefined });
    expect(await record.load('other votes', 'm')).toMatchObject({ term: 0, votedFor: undefined });
  });

  it('has one leadership for each term, and goes up only', async () => {
    const claimants = Array.from({ length: 20 }, (_, index) => ({ id: `a${index}`, instance: `i${index}` }));
    const answers = await Promise.all(claimants.map((claimant) => record.claim('claims', claimant, 5)));
    const won = claimants.filter((_, index) => answers[index]?.ok);
    expect(won).toHaveLength(1);
    expect(await record.read('claims')).toMatchObject({ latest: 5 });
    const [leader = { id: '', instance: '' }] = won;
    expect(await record.claim('claims', leader, 5)).toEqual({ ok: true, latest: 5 });
    expect(await record.claim('claims', { id: leader.id, instance: 'restarted' }, 5)).toEqual({ ok: false, latest: 5 });
    expect(await record.claim('claims', leader, 4)).toEqual({ ok: false, latest: 5 });
    expect(await record.claim('claims', { id: 'b', instance: 'b' }, 6)).toMatchObject({ ok: true });
    expect(await record.read('claims')).toEqual({ latest: 6, leader: 'b', highest: 6 });
    expect(await record.read('no such group')).toEqual({ latest: 0, leader: undefined, highest: 0 });
  });

  it('tells one that starts the later of its vote and the leadership, and forgets votes of earlier terms', async () => {
    const vote = (member: string, term: number, votedFor: string) => record.vote('decided', member, term, votedFor);
    for (const [term, candidate, voter] of [
      [1, 'a', 'early'],
      [2, 'a', 'now'],
      [3, 'b', 'later'],
    ] as const) {
      await vote(candidate, term, candidate);
      await vote(voter, term, candidate);
    }
    await record.claim('decided', { id: 'a', instance: 'a' }, 2);
    expect((await votes('decided')).map(({ agent_id: id }) => id)).toEqual(['a', 'b', 'later', 'now']);
    expect(await record.load('decided', 'early')).toMatchObject({ term: 2, votedFor: undefined });
    expect(await record.load('decided', 'now')).toMatchObject({ term: 2, votedFor: 'a' });
    expect(await record.load('decided', 'later')).toMatchObject({ term: 3, votedFor: 'b' });
  });

  it('keeps no vote for one that does not stand', async () => {
    await record.vote('standing', 'honest', 1, 'honest');
    for (const [term, candidate] of [
      [1e12, 'ghost'],
      [1e12, 'honest'],
      [2, 'honest'],
    ] as const)
      expect(await record.vote('standing', 'm', term, candidate)).toEqual({ ok: false, latest: 0 });
    expect(await record.vote('standing', 'm', 1, 'honest')).toMatchObject({ ok: true });
    expect(await record.read('standing')).toEqual({ latest: 0, leader: undefined, highest: 1 });
  });

  it.each(['9007199254740993', '9223372036854775807'])(
    'takes a term that was never reached, %s, for none',
    async (term) => {
      const group = `beyond ${term}`;
      const { schema } = database;
      await database.query(
        `INSERT INTO "${schema}".leaderships (group_name, term, leader, instance) VALUES ($1, $2, 'ghost', 'ghost')`,
        [group, term],
      );
      for (const id of ['m', 'ghost'])
        await database.query(
          `INSERT INTO "${schema}".election_votes (group_name, agent_id, term, voted_for) VALUES ($1, $2, $3, 'ghost')`,
          [group, id, term],
        );
      const nothing = { latest: 0, leader: undefined, highest: 0 };
      expect(await record.load(group, 'm')).toEqual({ term: 0, votedFor: undefined, group: nothing });
      expect(await record.vote(group, 'm', 1, 'm')).toMatchObject({ ok: true });
      expect(await record.claim(group, { id: 'm', instance: 'm' }, 1)).toMatchObject({ ok: true });
      expect(await record.fence(group, 'm', 1, () => Promise.resolve('written'))).toBe('written');
      expect((await votes(group)).map(({ agent_id: id }) => id)).toEqual(['m']);
    },
  );

  it('fences by the instance too, and refuses before the work when it can', async () => {
    await record.claim('fenced', { id: 'a', instance: 'first' }, 1);
    let worked = 0;
    const work = (): Promise<number> => Promise.resolve(++worked);
    expect(await record.fence('fenced', 'first', 1, work)).toBe(1);
    await expect(record.fence('fenced', 'second', 1, work)).rejects.toBeInstanceOf(DeposedError);
    await expect(record.fence('fenced', 'first', 2, work)).rejects.toMatchObject({ code: 'DEPOSED', latest: 1 });
    await expect(record.fence('no such group', 'first', 1, work)).rejects.toBeInstanceOf(DeposedError);
    expect(worked).toBe(1);
    const meanwhile = record.fence('fenced', 'first', 1, () => record.claim('fenced', { id: 'b', instance: 'b' }, 2));
    await expect(meanwhile).rejects.toMatchObject({ code: 'DEPOSED', latest: 2 });
  });

  describe('a statement of the leader', () => {
    const statement = {
      name: 'write',
      sql: (led: (after: string) => string) =>
        `WITH one AS (SELECT 1), led AS (${led('one')}), slept AS MATERIALIZED (SELECT pg_sleep($1) FROM led)
         INSERT INTO "${database.schema}".written (term) SELECT $2 FROM slept WHERE EXISTS (SELECT FROM led) RETURNING term`,
    };
    const ofTerm = (term: number, instance = 'first', pause = 0): Promise<object[]> =>
      record.fenced('stated', instance, term, statement, [pause, term]);
    const claim = (term: number) => record.claim('stated', { id: 'a', instance: 'first' }, term);

    beforeAll(async () => {
      await database.query(`CREATE TABLE "${database.schema}".written (term integer)`);
      await claim(1);
    });

    it('writes in its term and instance alone', async () => {
      expect(await ofTerm(2)).toEqual([]);
      expect(await ofTerm(1, 'second')).toEqual([]);
      expect(await ofTerm(1)).toEqual([{ term: 1 }]);
    });

    it('comes before the next claim, or writes nothing', async () => {
      const order: string[] = [];
      const slow = ofTerm(1, 'first', 0.3).then((rows) => order.push(`${rows.length} written`));
      const isUnderWay = async () =>
        (
          await database.query(
            `SELECT FROM pg_stat_activity WHERE query LIKE '%"${database.schema}".written%' AND wait_event = 'PgSleep'`,
          )
        ).length > 0;
      await until('the statement to be under way', isUnderWay);
      await claim(2);
      order.push('claimed');
      await slow;
      expect(order).toEqual(['1 written', 'claimed']);
      let late: Promise<object[]> | undefined;
      await database.transaction(async (transaction) => {
        await transaction.query(`UPDATE "${database.schema}".leaderships SET term = 3 WHERE group_name = 'stated'`);
        late = ofTerm(2);
        const isWaiting = async () =>
          (
            await database.query(
              `SELECT FROM pg_stat_activity WHERE query LIKE '%"${database.schema}".written%' AND wait_event_type = 'Lock'`,
            )
          ).length > 0;
        await until('the statement to wait', isWaiting);
      });
      expect(await late).toEqual([]);
    });
  });
});
