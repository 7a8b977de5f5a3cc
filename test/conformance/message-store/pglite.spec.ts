import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Store } from 'agentmq/message-store';
import { StoreLockedError, StoreUnavailableError } from 'agentmq/database';
import { randomNamespace } from '../../support/index.js';
import { newMessage } from './harness.js';
import { messageStoreSuite } from './suite.js';

/** Creating a database takes 3 s of a whole processor. */
const FIRST_START_MS = 120_000;
const namespace = randomNamespace('store');
let directory: string;
let store: Store;

describe('the stores on PGlite', () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'agentmq-test-'));
    store = Store.embedded({ dataDirectory: directory, namespace, connectTimeoutMs: 5000 });
    await store.database.migrate();
  }, FIRST_START_MS);

  afterAll(async () => {
    await store.database.close();
    await rm(directory, { recursive: true, force: true });
  });

  messageStoreSuite(() => ({ store, others: Array.from({ length: 8 }, () => store) }));

  it('has one connection: what waits for it in vain is told so', async () => {
    await store.database.close();
    store = Store.embedded({ dataDirectory: directory, namespace, connectTimeoutMs: 100 });
    await store.database.migrate();
    await store.database.transaction(async () => {
      await expect(store.database.ping()).rejects.toThrow(StoreUnavailableError);
    });
    await store.database.ping();
  });

  it('lets one store at a time have a directory', async () => {
    const second = Store.embedded({ dataDirectory: directory, namespace });
    await expect(second.database.ping()).rejects.toThrow(StoreLockedError);
    await second.database.close();
    await store.database.ping();
  });

  it('keeps what it stored when it is opened again', async () => {
    const message = newMessage({ body: Buffer.from('kept') });
    await store.outbox.append([message], { owner: 'o', leaseMs: 0 });
    await store.database.close();
    store = Store.embedded({ dataDirectory: directory, namespace });
    await store.database.migrate();
    expect((await store.history.find(message.messageId))?.message).toEqual(message);
    expect((await store.outbox.leaseDue('r', 10, 1000)).map((entry) => entry.message.messageId)).toContain(
      message.messageId,
    );
  });

  it(
    'leaves nothing behind when it was given no directory',
    async () => {
      const ours = async () => (await readdir(tmpdir())).filter((name) => name.startsWith(`agentmq-${process.pid}-`));
      const fleeting = Store.embedded({ namespace });
      await fleeting.database.migrate();
      expect(await ours()).toHaveLength(1);
      await fleeting.database.close();
      expect(await ours()).toEqual([]);
    },
    FIRST_START_MS,
  );
});
