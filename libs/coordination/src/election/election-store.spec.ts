import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PostgresMessageStore } from 'agentmq/message-store';
import { databaseUrl, randomNamespace, removeNamespace } from '../../../../test/support/index.js';
import { ElectionStore } from './election-store.js';
import { DeposedError } from './errors.js';

describe('the record of elections', () => {
  const namespace = randomNamespace('election');
  const store = PostgresMessageStore.connect({ url: databaseUrl(), namespace });
  const record = new ElectionStore(store);

  beforeAll(() => store.migrate(), 30_000);
  afterAll(async () => {
    await store.close();
    await removeNamespace(namespace);
  });

  const votes = (group: string): Promise<{ agent_id: string }[]> =>
    store.query(`SELECT agent_id FROM "${store.schema}".election_votes WHERE group_name = $1 ORDER BY 1`, [group]);

  it('keeps one vote of a member for each term, and never an earlier one', async () => {
    expect(await record.load('votes', 'm')).toEqual({ term: 0, votedFor: undefined });
    expect(await record.vote('votes', 'm', 3, 'a')).toMatchObject({ ok: true });
    expect(await record.vote('votes', 'm', 3, 'b')).toEqual({ ok: false, latest: 3 });
    expect(await record.vote('votes', 'm', 2, 'b')).toEqual({ ok: false, latest: 3 });
    expect(await record.vote('votes', 'm', 3, 'a')).toEqual({ ok: true, latest: 3 });
    expect(await record.load('votes', 'm')).toEqual({ term: 3, votedFor: 'a' });
    expect(await record.vote('votes', 'm', 4, 'b')).toMatchObject({ ok: true });
    expect(await record.load('votes', 'm')).toEqual({ term: 4, votedFor: 'b' });
    expect(await record.load('votes', 'n')).toEqual({ term: 0, votedFor: undefined });
    expect(await record.load('other votes', 'm')).toEqual({ term: 0, votedFor: undefined });
  });

  it('has one leadership for each term, and goes up only', async () => {
    const claimants = Array.from({ length: 20 }, (_, index) => ({ id: `a${index}`, instance: `i${index}` }));
    const answers = await Promise.all(claimants.map((claimant) => record.claim('claims', claimant, 5)));
    const won = claimants.filter((_, index) => answers[index]?.ok);
    expect(won).toHaveLength(1);
    expect(await record.latest('claims')).toBe(5);
    const [leader = { id: '', instance: '' }] = won;
    expect(await record.claim('claims', leader, 5)).toEqual({ ok: true, latest: 5 });
    expect(await record.claim('claims', { id: leader.id, instance: 'restarted' }, 5)).toEqual({ ok: false, latest: 5 });
    expect(await record.claim('claims', leader, 4)).toEqual({ ok: false, latest: 5 });
    expect(await record.claim('claims', { id: 'b', instance: 'b' }, 6)).toMatchObject({ ok: true });
    expect(await record.latest('claims')).toBe(6);
    expect(await record.latest('no such group')).toBe(0);
  });

  it('tells one that starts the later of its vote and the leadership, and forgets votes of earlier terms', async () => {
    await record.vote('decided', 'early', 1, 'a');
    await record.vote('decided', 'now', 2, 'a');
    await record.vote('decided', 'later', 3, 'b');
    await record.claim('decided', { id: 'a', instance: 'a' }, 2);
    expect(await votes('decided')).toEqual([{ agent_id: 'later' }, { agent_id: 'now' }]);
    expect(await record.load('decided', 'early')).toEqual({ term: 2, votedFor: undefined });
    expect(await record.load('decided', 'now')).toEqual({ term: 2, votedFor: 'a' });
    expect(await record.load('decided', 'later')).toEqual({ term: 3, votedFor: 'b' });
  });

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
});
