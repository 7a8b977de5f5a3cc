import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent } from 'agentmq/agent';
import { Contract, newMessageId } from 'agentmq/protocol';
import { IdempotencyKeyReusedError, InvalidTaskError, type TaskFilter, Tasks, TasksModule } from 'agentmq/coordination';
import { IsInt, IsOptional, IsString } from 'class-validator';
import { randomBytes } from 'node:crypto';
import { TestSystem } from './agents.js';

@Contract({ type: 'add_up' })
class AddUp {
  @IsInt()
  n!: number;

  @IsOptional()
  @IsString()
  text?: string;
}
@Contract({ type: 'multiply' })
class Multiply extends AddUp {}
@Contract({ type: 'secret_sum', sensitive: true })
class SecretSum extends AddUp {}

describe('a submitter of tasks', () => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: 'in_memory',
    SEALING_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  });
  let tasks: Tasks;

  @Agent({ role: 'submitter' })
  class Submitter {}

  beforeAll(async () => {
    await system.store.database.migrate();
    const app = await system.start({ id: 'submitter-1', controllers: [Submitter], imports: [TasksModule] });
    tasks = app.get(Tasks);
  });
  afterEach(() => system.store.database.query(`TRUNCATE "${system.namespace}".tasks CASCADE`));
  afterAll(() => system.close());

  const count = async (): Promise<number> => (await tasks.list({ limit: 1_000 })).length;
  const numbers = (length: number): AddUp[] => Array.from({ length }, (_, n) => ({ n }));
  const payloadsOf = async (ids: readonly string[]): Promise<(string | undefined)[]> => {
    const rows = await system.store.database.query<{ id: string; payload: string }>(
      `SELECT id, payload FROM "${system.namespace}".tasks`,
    );
    const payloads = new Map(rows.map(({ id, payload }) => [id, payload]));
    return ids.map((id) => payloads.get(id));
  };
  const kinds = [
    ['in clear', AddUp],
    ['sealed', SecretSum],
  ] as const;
  const reused = { code: 'IDEMPOTENCY_KEY_REUSED', retryable: false };

  it('names no agent: any that declares the contract may do the task', async () => {
    const id = await tasks.submit(AddUp, { n: 1 });
    expect(await tasks.find(id)).toMatchObject({ state: 'queued', destination: 'capability.add_up' });
  });

  it.each([AddUp, SecretSum])(
    'that repeats its idempotency key finds the same task, open or ended: %p',
    async (type) => {
      const submit = (payload: AddUp): Promise<string> => tasks.submit(type, payload, { idempotencyKey: 'once' });
      const id = await submit({ n: 1, text: 'a' });
      expect(await submit({ text: 'a', n: 1 })).toBe(id);
      await tasks.cancel(id, 'no need');
      expect(await submit({ n: 1, text: 'a' })).toBe(id);
      expect(await tasks.list()).toMatchObject([{ id, state: 'cancelled' }]);
    },
  );

  it.each(kinds)('may not use the key of another task: %s', async (_, type) => {
    const key = { idempotencyKey: 'once' };
    await tasks.submit(type, { n: 1 }, key);
    await expect(tasks.submit(type, { n: 2 }, key)).rejects.toThrow(IdempotencyKeyReusedError);
    await expect(tasks.submit(Multiply, { n: 1 }, key)).rejects.toMatchObject({ ...reused, idempotencyKey: 'once' });
    expect(await count()).toBe(1);
  });

  it('finds the task that others submit at the same time, or whose transaction is open', async () => {
    const submit = (): Promise<string> => tasks.submit(AddUp, { n: 1 }, { idempotencyKey: 'once' });
    expect(new Set(await Promise.all(Array.from({ length: 20 }, submit))).size).toBe(1);
    const key = { idempotencyKey: 'in a transaction' };
    let second: Promise<string> | undefined;
    const first = await system.store.database.transaction(async (transaction) => {
      const id = await tasks.submit(AddUp, { n: 2 }, { ...key, transaction });
      second = tasks.submit(AddUp, { n: 2 }, key);
      return id;
    });
    expect(await second).toBe(first);
    let third: Promise<string> | undefined;
    const rolledBack = system.store.database.transaction(async (transaction) => {
      await tasks.submit(AddUp, { n: 3 }, { idempotencyKey: 'rolled back', transaction });
      third = tasks.submit(AddUp, { n: 3 }, { idempotencyKey: 'rolled back' });
      throw new Error('rolled back');
    });
    await expect(rolledBack).rejects.toThrow('rolled back');
    expect(await tasks.find((await third) ?? '')).toMatchObject({ state: 'queued' });
    expect(await count()).toBe(3);
  });

  it('gives each task of a batch a key, and gets each task once', async () => {
    const idempotencyKeyOf = ({ n }: AddUp): string => `number ${n}`;
    const first = await tasks.submit(AddUp, { n: 3 }, { idempotencyKey: 'number 3' });
    const payloads = [...numbers(5), { n: 0 }];
    const ids = await tasks.submitAll(AddUp, payloads, { idempotencyKeyOf });
    expect(ids[3]).toBe(first);
    expect(ids[5]).toBe(ids[0]);
    const backwards = payloads.toReversed();
    const again = await Promise.all(
      Array.from({ length: 10 }, (_, n) => tasks.submitAll(AddUp, n % 2 ? payloads : backwards, { idempotencyKeyOf })),
    );
    for (const [n, each] of again.entries()) expect(n % 2 ? each : each.toReversed()).toEqual(ids);
    const within = tasks.submitAll(AddUp, numbers(2), { idempotencyKeyOf: () => 'the same' });
    await expect(within).rejects.toMatchObject(reused);
    const beside = tasks.submitAll(Multiply, numbers(8), { idempotencyKeyOf: ({ n }) => `number ${7 - n}` });
    await expect(beside).rejects.toMatchObject(reused);
    expect(await count()).toBe(5);
  });

  it('lists tasks by what they are, in pages', async () => {
    const since = Date.now();
    const ids = await tasks.submitAll(AddUp, numbers(5));
    const other = await tasks.submit(Multiply, { n: 1 });
    await tasks.cancel(ids[1] ?? '', 'no need');
    await tasks.cancel(other, 'no need');
    const list = async (filter: TaskFilter): Promise<string[]> => (await tasks.list(filter)).map(({ id }) => id);
    const open = ids.filter((_, n) => n !== 1);
    expect(await list({})).toEqual([...ids, other]);
    expect(await list({ state: 'queued' })).toEqual(open);
    expect(await list({ type: 'multiply' })).toEqual([other]);
    expect(await list({ type: 'add_up', state: 'cancelled' })).toEqual([ids[1]]);
    expect(await list({ type: 'add_up', limit: 2, after: ids[0] ?? '' })).toEqual(ids.slice(1, 3));
    expect(
      await list({ createdAfter: new Date(since - 60_000), createdBefore: new Date(since + 60_000) }),
    ).toHaveLength(6);
    expect(await list({ createdAfter: new Date(since + 60_000) })).toEqual([]);
    expect(await list({ createdBefore: new Date(since - 60_000) })).toEqual([]);
    expect(await list({ agentId: 'nobody' })).toEqual([]);
    const refused = tasks.list({ createdAfter: new Date('never') });
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_TASK', field: 'createdAfter' });
  });

  it('with an id of its own finds the same task', async () => {
    const id = newMessageId();
    expect(await tasks.submit(AddUp, { n: 1 }, { id })).toBe(id);
    expect(await tasks.submit(AddUp, { n: 1 }, { id })).toBe(id);
    expect(await count()).toBe(1);
  });

  it.each([
    ['idempotencyKey', { idempotencyKey: '' }],
    ['idempotencyKey', { idempotencyKey: 'x'.repeat(256) }],
    ['idempotencyKey', { idempotencyKey: 'a\0b' }],
    ['id', { id: '' }],
  ])('is told of a wrong %s', async (field, options) => {
    const error = await tasks.submit(AddUp, { n: 1 }, options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidTaskError);
    expect(error).toMatchObject({ field });
  });

  it('submits many tasks at the same time', async () => {
    const ids = await Promise.all(numbers(50).map((payload) => tasks.submit(AddUp, payload)));
    expect(await payloadsOf(ids)).toEqual(numbers(50).map((payload) => JSON.stringify(payload)));
  });

  it('submits more tasks than one statement may have, or none of them', async () => {
    const many = numbers(2_500);
    const ids = await tasks.submitAll(AddUp, many);
    expect(await payloadsOf(ids)).toEqual(many.map((payload) => JSON.stringify(payload)));
    await tasks.submit(Multiply, { n: 0 }, { idempotencyKey: '2499' });
    const refused = tasks.submitAll(AddUp, many, { idempotencyKeyOf: (_, index) => `${index}` });
    await expect(refused).rejects.toMatchObject(reused);
    expect(await system.store.database.query(`SELECT FROM "${system.namespace}".tasks`)).toHaveLength(2_501);
  });
});
