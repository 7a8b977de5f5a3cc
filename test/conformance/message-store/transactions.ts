import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Transaction } from 'agentmq/database';
import { TransactionEndedError, transactionOf } from 'agentmq/database';
import { claimed, claimOf, type Harness, newMessage, newMessages, refOf, wipe } from './harness.js';

const options = { owner: 'sender-1', leaseMs: 1000 };

/** What TypeORM's query builder, rather than a caller, writes. */
const builtQuery = ({ manager }: Transaction, schema: string, id: string): Promise<unknown[]> =>
  manager
    .createQueryBuilder()
    .select('m.sender')
    .from(`${schema}.messages`, 'm')
    .where('m.message_id = :id', { id })
    .getRawMany();

/** The caller's transactions. */
export function transactions(of: () => Harness): void {
  describe('transactions', () => {
    beforeEach(() => wipe(of().store));

    it('commits append, completion and own statements together', async () => {
      const { store } = of();
      const [handled, sent] = [newMessage(), newMessage()];
      await store.deliveries.record([handled]);
      await store.deliveries.claim([claimOf(handled)], 'a', 60_000);
      const answer = await store.database.transaction(async (transaction) => {
        const rows = await transaction.query<{ sum: number }>('SELECT $1::int + 1 AS sum', [41]);
        await store.outbox.append([sent], { ...options, transaction });
        expect(await store.deliveries.complete([refOf(handled)], transaction)).toEqual([true]);
        expect(await builtQuery(transaction, store.database.schema, sent.messageId)).toHaveLength(1);
        return rows[0]?.sum;
      });
      expect(answer).toBe(42);
      expect(await store.history.find(sent.messageId)).toMatchObject({ published: false });
      expect((await store.history.find(handled.messageId))?.deliveries[0]?.state).toBe('completed');
    });

    it('leaves nothing of append and completion after a rollback', async () => {
      const { store } = of();
      const [handled, sent] = [newMessage(), newMessage()];
      await store.deliveries.record([handled]);
      await store.deliveries.claim([claimOf(handled)], 'a', 60_000);
      const failure = new Error('changed my mind');
      const work = store.database.transaction(async (transaction) => {
        await store.outbox.append([sent], { ...options, transaction });
        await store.deliveries.complete([refOf(handled)], transaction);
        throw failure;
      });
      await expect(work).rejects.toBe(failure);
      expect(await store.history.find(sent.messageId)).toBeUndefined();
      expect(await store.history.counts()).toMatchObject({
        messages: 1,
        outbox: 0,
        deliveries: { processing: 1, completed: 0 },
      });
      expect(await store.deliveries.complete([refOf(handled)])).toEqual([true]);
    });

    it('rolls back after a statement that failed, and goes on', async () => {
      const { store } = of();
      const work = store.database.transaction(async (transaction) => {
        await store.outbox.append(newMessages(1), { ...options, transaction });
        await transaction.query('SELECT * FROM nowhere');
      });
      await expect(work).rejects.toThrow(/nowhere/);
      await expect(store.database.transaction((transaction) => transaction.query('SELECT 1/0'))).rejects.toThrow(
        /zero/,
      );
      expect((await store.history.counts()).messages).toBe(0);
    });

    it('joins a transaction that the caller has an EntityManager of', async () => {
      const { store } = of();
      const message = newMessage();
      await store.database.transaction(async ({ manager }) => {
        await store.outbox.append([message], { ...options, transaction: transactionOf(manager) });
        expect(() => transactionOf(manager.dataSource.manager)).toThrow(TypeError);
      });
      expect(await store.history.find(message.messageId)).toBeDefined();
    });

    it('keeps what others do meanwhile out of it, and neither waits for the other for ever', async () => {
      const { store } = of();
      const [inside, outside] = [newMessage(), newMessage()];
      let appended: Promise<unknown> = Promise.resolve();
      const work = store.database.transaction(async (transaction) => {
        await store.outbox.append([inside], { ...options, transaction });
        appended = Promise.all([
          store.outbox.append([outside], options),
          store.deliveries.claim([claimOf(outside)], 'a', 1),
          store.database.ping(),
        ]);
        await transaction.query('SELECT 1');
        throw new Error('rolled back');
      });
      await expect(work).rejects.toThrow('rolled back');
      await appended;
      expect(await store.history.find(inside.messageId)).toBeUndefined();
      expect(await store.history.find(outside.messageId)).toBeDefined();
    });

    it('runs many at once', async () => {
      const { store } = of();
      const messages = newMessages(20);
      await Promise.all(
        messages.map((message) =>
          store.database.transaction(async (transaction) => {
            await store.outbox.append([message], { ...options, transaction });
            await transaction.query('SELECT 1');
          }),
        ),
      );
      const results = await store.deliveries.claim(
        messages.map((m) => claimOf(m)),
        'a',
        1000,
      );
      expect(results).toEqual(messages.map(() => claimed(1)));
    });

    it('passes on what the work rejects with, also what looks like an outage elsewhere', async () => {
      const { store } = of();
      for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND']) {
        const elsewhere = Object.assign(new Error('connect 10.0.0.1:80'), { code });
        await expect(store.database.transaction(() => Promise.reject(elsewhere))).rejects.toBe(elsewhere);
      }
    });

    it.each(['57014', '40001', '40P01'])(
      'takes a statement of the caller that was given up (%s) for no outage',
      async (code) => {
        const { store } = of();
        const raise = `DO $$ BEGIN RAISE EXCEPTION 'given up' USING ERRCODE = '${code}'; END $$`;
        await expect(store.database.transaction((transaction) => transaction.query(raise))).rejects.toMatchObject({
          code,
        });
        await expect(store.database.transaction(({ manager }) => manager.query(raise))).rejects.toMatchObject({ code });
        await store.database.ping();
      },
    );

    const insert = (name: string): string =>
      `INSERT INTO "${of().store.database.schema}".subscriptions (consumer, pattern, expression) VALUES ('${name}', '', '')`;
    const inserted = async (): Promise<unknown[]> =>
      of().store.database.transaction((transaction) =>
        transaction.query(`SELECT consumer FROM "${of().store.database.schema}".subscriptions`),
      );

    it('lets nothing through once it is rolled back, by whichever way, while a statement is under way', async () => {
      const { store } = of();
      const late: Promise<unknown>[] = [];
      const work = store.database.transaction(async (transaction) => {
        const ended = new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
        const before = transaction.query('SELECT pg_sleep(0.2)').then(() => ended);
        late.push(
          before.then(() => transaction.query(insert('first'))),
          before.then(() => transaction.manager.query(insert('second'))),
          before.then(() => transaction.manager.transaction((manager) => manager.query(insert('third')))),
          before.then(() => builtQuery(transaction, of().store.database.schema, 'x')),
        );
        void Promise.allSettled(late);
        await new Promise((resolve) => setImmediate(resolve));
        throw new Error('timed out');
      });
      await expect(work).rejects.toThrow('timed out');
      for (const outcome of await Promise.allSettled(late)) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'TRANSACTION_ENDED', retryable: false } });
      }
      expect(await inserted()).toEqual([]);
    });

    it('lets nothing through that was asked for in the moment before', async () => {
      const { store } = of();
      let late: Promise<unknown> = Promise.resolve();
      const work = store.database.transaction((transaction) => {
        late = Promise.allSettled([transaction.query(insert('first')), transaction.manager.query(insert('second'))]);
        return Promise.reject(new Error('gave up'));
      });
      await expect(work).rejects.toThrow('gave up');
      await late;
      expect(await inserted()).toEqual([]);
    });

    it('rolls back whole when the caller has left a nested transaction open', async () => {
      const { store } = of();
      let nested: Promise<unknown> = Promise.resolve();
      const work = store.database.transaction(async (transaction) => {
        await transaction.query(insert('outer'));
        await new Promise<void>((resolve) => {
          nested = transaction.manager.transaction(async (manager) => {
            await manager.query(insert('inner'));
            resolve();
            await expect(work).rejects.toThrow('timed out');
            await manager.query(insert('later'));
          });
          nested.catch(() => undefined);
        });
        throw new Error('timed out');
      });
      await expect(work).rejects.toThrow('timed out');
      await expect(nested).rejects.toThrow(TransactionEndedError);
      expect(await inserted()).toEqual([]);
    });

    it('tells that it is committed, and then alone', async () => {
      const { store } = of();
      const told: string[] = [];
      await store.database.transaction(async (transaction) => {
        transaction.onCommit(() => told.push('committed'));
        const nested = transaction.manager.transaction(() => {
          transaction.onCommit(() => told.push('rolled back to a savepoint'));
          return Promise.reject(new Error('no'));
        });
        await expect(nested).rejects.toThrow('no');
        await transaction.manager.transaction((manager) => {
          transactionOf(manager).onCommit(() => told.push('nested'));
          return manager.query(insert('told'));
        });
        expect(told).toEqual([]);
      });
      expect(told.splice(1)).toEqual(['nested']);
      const failed = store.database.transaction((transaction) => {
        transaction.onCommit(() => told.push('rolled back'));
        return Promise.reject(new Error('no'));
      });
      await expect(failed).rejects.toThrow('no');
      const broken = store.database.transaction(async (transaction) => {
        transaction.onCommit(() => told.push('broken'));
        await transaction.query('SELECT 1 / 0').catch(() => undefined);
      });
      await expect(broken).rejects.toThrow(TransactionEndedError);
      expect(told).toEqual(['committed']);
    });

    it('is open until it ends, and then refuses', async () => {
      const { store } = of();
      const seen: Transaction[] = [];
      await store.database.transaction(async (transaction) => {
        seen.push(transaction, transactionOf(transaction.manager));
        expect(seen.map(({ isOpen }) => isOpen)).toEqual([true, true]);
        await transaction.query(insert('committed'));
      });
      expect(seen.map(({ isOpen }) => isOpen)).toEqual([false, false]);
      for (const { query, manager } of seen.map((each) => ({
        query: () => each.query(insert('x')),
        manager: each.manager,
      }))) {
        await expect(query()).rejects.toThrow(TransactionEndedError);
        await expect(manager.query(insert('x'))).rejects.toThrow(TransactionEndedError);
        expect(() => transactionOf(manager)).toThrow(TypeError);
      }
      expect(await inserted()).toEqual([{ consumer: 'committed' }]);
    });

    it('does not resolve when the database rolled back instead', async () => {
      const { store } = of();
      const work = store.database.transaction(async (transaction) => {
        await transaction.query(insert('x'));
        await transaction.query('SELECT 1/0').catch(() => undefined);
      });
      await expect(work).rejects.toThrow(TransactionEndedError);
      expect(await inserted()).toEqual([]);
    });

    it('appends a batch too large for one statement whole or not at all', async () => {
      const { store } = of();
      const messages = newMessages(5, { body: Buffer.alloc(5 * 1024 * 1024, 'x') });
      const broken = { ...newMessage(), messageId: `z${newMessage().messageId}`, version: 1.5 };
      await expect(store.outbox.append([...messages, broken], options)).rejects.toThrow(/bigint/);
      expect((await store.history.counts()).messages).toBe(0);
      expect(await store.outbox.append(messages, options)).toHaveLength(5);
      expect(await store.history.counts()).toMatchObject({ messages: 5, outbox: 5 });
    });
  });
}
