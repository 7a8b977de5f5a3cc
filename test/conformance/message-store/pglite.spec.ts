import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PostgresMessageStore } from 'agentmq/message-store';
import { StoreLockedError, StoreUnavailableError } from 'agentmq/database';
import { randomNamespace } from '../../support/index.js';
import { newMessage } from './harness.js';
import { messageStoreSuite } from './suite.js';

/** Creating a database takes 3 s of a whole processor. */
const FIRST_START_MS = 120_000;
const namespace = randomNamespace('store');
let directory: string;
let store: PostgresMessageStore;

describe('PostgresMessageStore on PGlite', () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'agentmq-test-'));
    store = PostgresMessageStore.embedded({ dataDirectory: directory, namespace, connectTimeoutMs: 5000 });
    await store.migrate();
  }, FIRST_START_MS);

  afterAll(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });

  messageStoreSuite(() => ({ store, others: Array.from({ length: 8 }, () => store) }));

  it('has one connection: what waits for it in vain is told so', async () => {
    await store.close();
    store = PostgresMessageStore.embedded({ dataDirectory: directory, namespace, connectTimeoutMs: 100 });
    await store.migrate();
    await store.transaction(async () => {
      await expect(store.ping()).rejects.toThrow(StoreUnavailableError);
    });
    await store.ping();
  });

  it('lets one store at a time have a directory', async () => {
    const second = PostgresMessageStore.embedded({ dataDirectory: directory, namespace });
    await expect(second.ping()).rejects.toThrow(StoreLockedError);
    await second.close();
    await store.ping();
  });

  it('keeps what it stored when it is opened again', async () => {
    const message = newMessage({ body: Buffer.from('kept') });
    await store.append([message], { owner: 'o', leaseMs: 0 });
    await store.close();
    store = PostgresMessageStore.embedded({ dataDirectory: directory, namespace });
    await store.migrate();
    expect((await store.find(message.messageId))?.message).toEqual(message);
    expect((await store.leaseDue('r', 10, 1000)).map((entry) => entry.message.messageId)).toContain(message.messageId);
  });

  it(
    'leaves nothing behind when it was given no directory',
    async () => {
      const ours = async () => (await readdir(tmpdir())).filter((name) => name.startsWith(`agentmq-${process.pid}-`));
      const fleeting = PostgresMessageStore.embedded({ namespace });
      await fleeting.migrate();
      expect(await ours()).toHaveLength(1);
      await fleeting.close();
      expect(await ours()).toEqual([]);
    },
    FIRST_START_MS,
  );
});
