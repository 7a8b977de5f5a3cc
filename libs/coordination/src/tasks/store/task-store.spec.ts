import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { newMessageId } from 'agentmq/protocol';
import { Database, type Transaction } from 'agentmq/database';
import { databaseUrl, randomNamespace, removeNamespace, until } from '../../../../../test/support/index.js';
import { DispatchStore } from './dispatch-store.js';
import type { PlannedAssignment } from './queued-task.js';
import { AttemptStore } from './attempt-store.js';
import { cancelledBy, type TaskRef } from './settled.js';
import { TaskStore } from './task-store.js';

/** Of two statements that meet at a row, the later waits, and does not see what was written since it began. */
describe('tasks that end while parts of them are being made', () => {
  const namespace = randomNamespace('task_store');
  const database = Database.connect({ url: databaseUrl(), namespace });
  const tasks = new TaskStore(database);
  const attempts = new AttemptStore(database);
  const dispatch = new DispatchStore(database);

  beforeAll(() => database.migrate(), 30_000);
  afterEach(() => database.query(`TRUNCATE "${namespace}".tasks CASCADE`));
  afterAll(async () => {
    await database.close();
    await removeNamespace(namespace);
  });

  /** Resolves with the id; a part says whose it is. */
  async function submit(key: string, whole?: TaskRef, transaction?: Transaction): Promise<string> {
    const part = whole && { taskId: whole.id, key, assignment: whole.assignment };
    const draft = {
      id: newMessageId(),
      type: 'piece',
      version: 1,
      payload: JSON.stringify(key),
      destination: 'role.node',
      strategy: 'least-loaded',
      priority: 5,
      attempts: 3,
      onFailure: 'partial' as const,
      deadlineMs: 60_000,
      submitter: 'client',
      trace: { traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01` },
      ...(part ? { part } : {}),
    };
    const [id] = await tasks.insert([draft], transaction);
    return id ?? 'refused';
  }

  async function assign(id: string): Promise<TaskRef> {
    const planned = [{ task: { id }, agent: { id: 'agent', instance: 'instance' } }] as unknown as PlannedAssignment[];
    const given = await dispatch.assign(
      ({ sql }, parameters) =>
        database.query(
          sql(() => 'SELECT'),
          parameters,
        ),
      planned,
    );
    expect(given).toHaveLength(1);
    return { id, assignment: given[0]?.assignment ?? '' };
  }

  const begin = async (id: string): Promise<TaskRef> => {
    const ref = await assign(id);
    expect(await attempts.begin([ref])).toEqual([expect.objectContaining({ id })]);
    return ref;
  };

  const states = async (): Promise<Record<string, string>> => {
    const rows = await database.query<{ key: string; state: string }>(
      `SELECT payload::json #>> '{}' AS key, state FROM "${namespace}".tasks`,
    );
    return Object.fromEntries(rows.map(({ key, state }) => [key, state]));
  };

  /** Whether so many statements wait for a row. */
  const areWaiting = async (count: number): Promise<boolean> => {
    const waiting = await database.query(
      `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%'`,
      [`"${namespace}".tasks`],
    );
    return waiting.length === count;
  };

  /** Ends the whole while a part of it is written but not committed; `meanwhile` happens when that end waits. */
  async function endDuring<T>(
    whole: TaskRef,
    end: () => Promise<T>,
    meanwhile: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<{ late: string; ended: T }> {
    let ending: Promise<T> | undefined;
    const late = await database.transaction(async (transaction) => {
      const id = await submit('late', whole, transaction);
      ending = end();
      await until('the end to wait', () => areWaiting(1));
      await meanwhile();
      return id;
    });
    return { late, ended: (await ending) as T };
  }

  const cancel = (id: string) => () => tasks.end([id], { state: 'cancelled', error: cancelledBy('no need') });
  const complete = (ref: TaskRef) => () => attempts.complete([{ ...ref, result: null }]);
  const tidy = () => database.transaction((transaction) => dispatch.endOrphans(transaction, 1_000));

  it('cancelled, end those too, and what is below them', async () => {
    const top = await begin(await submit('top'));
    const part = await begin(await submit('part', top));
    const { ended } = await endDuring(top, cancel(top.id), async () => {
      const below = await begin(await submit('below', part));
      await submit('further below', below);
    });
    expect(await states()).toEqual({
      top: 'cancelled',
      part: 'cancelled',
      late: 'cancelled',
      below: 'cancelled',
      'further below': 'cancelled',
    });
    expect(ended).toHaveLength(5);
  });

  it('done, leave such a part, which does not begin, and is tidied away', async () => {
    const top = await begin(await submit('top'));
    const { late } = await endDuring(top, complete(top));
    const ref = await assign(late);
    expect(await attempts.begin([ref])).toEqual([undefined]);
    expect(await tidy()).toEqual([{ id: late, state: 'cancelled', submitter: 'client' }]);
    expect(await states()).toEqual({ top: 'completed', late: 'cancelled' });
  });

  it('done, have all such parts tidied away at once, however far below', async () => {
    const top = await begin(await submit('top'));
    const part = await begin(await submit('part', top));
    await endDuring(top, complete(top), async () => {
      const below = await begin(await submit('below', part));
      await begin(await submit('further below', below));
    });
    expect(await states()).toMatchObject({ top: 'completed', part: 'cancelled', 'further below': 'assigned' });
    expect(await tidy()).toHaveLength(3);
    expect(await states()).toEqual({
      top: 'completed',
      part: 'cancelled',
      late: 'cancelled',
      below: 'cancelled',
      'further below': 'cancelled',
    });
  });

  it('make no more parts', async () => {
    const top = await begin(await submit('top'));
    await complete(top)();
    expect(await submit('late', top)).toBe('refused');
    const { id: given } = await begin(await submit('another'));
    expect(await submit('of another', { id: given, assignment: newMessageId() })).toBe('refused');
    expect(await submit('of nothing', { id: newMessageId(), assignment: newMessageId() })).toBe('refused');
    expect(Object.keys(await states()).sort()).toEqual(['another', 'top']);
  });

  it('make none that waited for that end, nor does one begin that did', async () => {
    const top = await begin(await submit('top'));
    const part = await assign(await submit('part', top));
    let others: Promise<[string, unknown]> | undefined;
    await database.transaction(async (transaction) => {
      await attempts.complete([{ ...top, result: null }], transaction);
      others = Promise.all([submit('late', top), attempts.begin([part])]);
      await until('both to wait', () => areWaiting(2));
    });
    expect(await others).toEqual(['refused', [undefined]]);
    expect(await states()).toEqual({ top: 'completed', part: 'cancelled' });
  });
});
