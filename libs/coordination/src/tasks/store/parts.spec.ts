import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { newMessageId } from 'agentmq/protocol';
import { Database } from 'agentmq/database';
import { databaseUrl, randomNamespace, removeNamespace } from '../../../../../test/support/index.js';
import { DispatchStore } from './dispatch-store.js';
import type { TaskDraft } from '../draft.js';
import type { PlannedAssignment } from './queued-task.js';
import { AttemptStore } from './attempt-store.js';
import type { TaskRef } from './settled.js';
import { TaskStore } from './task-store.js';

const REFUSED = { name: 'Error', code: 'REFUSED', message: 'no', retryable: false };

describe('a part that was made by an earlier attempt', () => {
  const namespace = randomNamespace('parts');
  const database = Database.connect({ url: databaseUrl(), namespace });
  const tasks = new TaskStore(database);
  const attempts = new AttemptStore(database);
  const dispatch = new DispatchStore(database);
  let top: TaskRef;

  beforeAll(() => database.migrate(), 30_000);
  afterEach(() => database.query(`TRUNCATE "${namespace}".tasks CASCADE`));
  afterAll(async () => {
    await database.close();
    await removeNamespace(namespace);
  });

  const draft = (payload: string, given: Partial<TaskDraft> = {}): TaskDraft => ({
    id: newMessageId(),
    type: 'piece',
    version: 1,
    payload: JSON.stringify(payload),
    destination: 'role.node',
    strategy: 'least-loaded',
    priority: 5,
    attempts: 3,
    onFailure: 'partial',
    deadlineMs: 60_000,
    submitter: 'first',
    trace: { traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01` },
    ...given,
  });
  const partOf = (whole: TaskRef, key: string, given: Partial<TaskDraft> = {}): TaskDraft =>
    draft(key, { part: { taskId: whole.id, key, assignment: whole.assignment }, ...given });

  async function begin(id: string): Promise<TaskRef> {
    const planned = [{ task: { id }, agent: { id: 'agent', instance: 'instance' } }] as unknown as PlannedAssignment[];
    const [given] = await dispatch.assign(
      ({ sql }, parameters) =>
        database.query(
          sql(() => 'SELECT'),
          parameters,
        ),
      planned,
    );
    const ref = { id, assignment: given?.assignment ?? '' };
    expect(await attempts.begin([ref])).toEqual([expect.objectContaining({ id })]);
    return ref;
  }
  async function whole(): Promise<void> {
    const [id = ''] = await tasks.insert([draft('top')]);
    top = await begin(id);
  }
  const make = async (made: TaskDraft): Promise<string> => (await tasks.insertPart(made))?.id ?? 'refused';
  const row = async (id: string) =>
    (await database.query<object>(`SELECT * FROM "${namespace}".tasks WHERE id = $1`, [id]))[0];

  it('is left as it is, whoever has it, and told of to who made it last', async () => {
    await whole();
    const id = await make(partOf(top, 'part'));
    await begin(id);
    const before = await row(id);
    const again = partOf(top, 'part', { submitter: 'second', destination: 'role.other', priority: 9 });
    expect(await tasks.insertPart(again)).toEqual({ id, isTaken: false, ended: [] });
    expect(await row(id)).toEqual({ ...before, submitter: 'second' });
  });

  it.each([
    ['payload', { payload: '"other"' }],
    ['contract', { type: 'other' }],
    ['version of its contract', { version: 2 }],
  ])('begins anew with another %s, and what is below it ends', async (_, other) => {
    await whole();
    const id = await make(partOf(top, 'part'));
    const part = await begin(id);
    const below = await begin(await make(partOf(part, 'below', { submitter: 'agent' })));
    const further = await make(partOf(below, 'further below'));
    const written = await tasks.insertPart(partOf(top, 'part', { submitter: 'second', ...other }));
    expect(written).toMatchObject({ id, isTaken: true });
    expect(new Map(written?.ended.map((each) => [each.id, each]))).toEqual(
      new Map([
        [below.id, { id: below.id, state: 'cancelled', submitter: 'agent' }],
        [further, { id: further, state: 'cancelled', submitter: 'first' }],
      ]),
    );
    expect(await row(id)).toMatchObject({ state: 'queued', assignment: null, submitter: 'second', ...other });
    // who had it can say nothing more of it, and make nothing more below it
    expect(await attempts.complete([{ ...part, result: null }])).toEqual([[]]);
    expect(await make(partOf(part, 'late'))).toBe('refused');
  });

  it('goes to those whom it is now for, if nobody has it yet', async () => {
    await whole();
    const id = await make(partOf(top, 'part', { destination: 'role.nobody' }));
    expect(await tasks.insertPart(partOf(top, 'part'))).toEqual({ id, isTaken: false, ended: [] });
    expect(await row(id)).toMatchObject({ state: 'queued', destination: 'role.node' });
  });

  it('begins anew when it has come to nothing', async () => {
    await whole();
    const id = await make(partOf(top, 'part', { attempts: 1 }));
    const { assignment } = await begin(id);
    await attempts.fail({ id, assignment }, REFUSED);
    expect(await row(id)).toMatchObject({ state: 'failed', failures: 1 });
    expect(await tasks.insertPart(partOf(top, 'part'))).toEqual({ id, isTaken: false, ended: [] });
    expect(await row(id)).toMatchObject({ state: 'queued', failures: 0, attempts: 3, error: null, finished_at: null });
  });

  it('is not touched by who has lost its whole', async () => {
    await whole();
    const id = await make(partOf(top, 'part'));
    await begin(id);
    const before = await row(id);
    const lost = { id: top.id, assignment: newMessageId() };
    expect(await make(partOf(lost, 'part', { payload: '"other"' }))).toBe('refused');
    expect(await row(id)).toEqual(before);
  });
});
