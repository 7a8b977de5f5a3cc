import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Agent, AgentClient, Ctx, Handle, loadSettings, MessageContext, Subscribe } from 'agentmq/agent';
import { Broker } from 'agentmq/broker';
import { Contract, type Message, toWire } from 'agentmq/protocol';
import type { DeliveryState, StoredDelivery } from 'agentmq/message-store';
import { type SealedFor, Replayer, SEALED_TYPE, Sealer } from 'agentmq/messaging';
import { Audit, DeadLetters } from 'agentmq/operations';
import { IsOptional, IsString } from 'class-validator';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

const MARKER = 'the-pin-1234';

@Contract({ type: 'secret', sensitive: true, retry: { attempts: 2, delay: 1 } })
class Secret {
  @IsString({ message: '$value is no text' })
  text!: string;

  @IsOptional()
  @IsString()
  reply?: string;
}

@Contract({ type: 'secret_news', sensitive: true })
class SecretNews {
  @IsString()
  text!: string;
}

@Contract({ type: 'where', sensitive: false })
class Where {
  @IsString()
  what!: string;
}

@Contract({ type: 'place', sensitive: true })
class Place {
  @IsString()
  text!: string;
}

const key = (kid: string): string => `${kid}:${randomBytes(32).toString('base64')}`;
const [OLD, NEW] = [key('old'), key('new')];

/** What handlers were given; one that is told so fails. */
const seen: string[] = [];
let failing = false;

@Agent({ role: 'vault' })
class Vault {
  @Handle(Secret)
  secret({ text, reply }: Secret, @Ctx() { message }: MessageContext): Secret | undefined {
    seen.push(`${message.recipient.kind} ${text}`);
    if (failing) throw new Error(`could not keep ${text}`);
    return reply === undefined ? undefined : { text: reply };
  }

  @Subscribe('secrets.*', Secret)
  hear({ text }: Secret): void {
    seen.push(`topic ${text}`);
  }

  @Handle(SecretNews)
  news({ text }: SecretNews): void {
    seen.push(`news ${text}`);
    if (failing) throw new Error(`no news: ${text}`);
  }

  @Handle(Where)
  where({ what }: Where): Place {
    return Object.assign(new Place(), { text: `${what} ${MARKER}` });
  }
}

@Contract({ type: 'secret', version: 2, sensitive: true, upcast: { 1: ({ text }: Secret) => ({ words: [text] }) } })
class SecretWords {
  @IsString({ each: true })
  words!: string[];
}

@Agent({ role: 'archive' })
class Archive {
  @Handle(SecretWords)
  keep({ words }: SecretWords): void {
    seen.push(`kept ${words.join()}`);
  }

  @Subscribe('secrets.*', SecretWords)
  hear({ words }: SecretWords): void {
    seen.push(`heard ${words.join()}`);
  }
}

/** Hands on what it is told to the vault, and what that fails with to its own caller. */
@Contract({ type: 'errand', durable: true, retry: { attempts: 1 } })
class Errand {
  @IsString()
  name!: string;
}

@Agent({ role: 'asker' })
class Asker {
  constructor(private readonly agents: AgentClient) {}

  @Handle(Errand)
  run(): Promise<unknown> {
    return this.agents.request({ role: 'vault' }, Secret, { text: MARKER });
  }
}

const ANN = { name: 'ann', via: 'cli' } as const;

describe('what is sensitive', () => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory', SEALING_KEYS: OLD });
  let vaults: INestApplicationContext;
  let broker: Broker;
  let agents: AgentClient;
  let letters: DeadLetters;

  beforeAll(async () => {
    vaults = await system.start({ id: 'vault-1', controllers: [Vault] });
    broker = vaults.get(Broker);
    agents = (await system.start({ id: 'asker-1', controllers: [Asker] })).get(AgentClient);
    letters = new DeadLetters(system.store, new Audit(system.store.database), {
      sender: 'operator',
      maxMessageBytes: 1_000_000,
    });
  });
  afterAll(() => system.close());

  const vault = { role: 'vault' };

  async function settled(messageId: string, state: DeliveryState): Promise<StoredDelivery> {
    let delivery: StoredDelivery | undefined;
    await until(`${messageId} is ${state}`, async () => {
      delivery = (await system.store.history.find(messageId))?.deliveries[0];
      return delivery?.state === state;
    });
    return delivery as StoredDelivery;
  }

  /** All that the database has of messages. */
  async function stored(): Promise<string> {
    const tables = ['messages', 'deliveries', 'outbox'];
    const rows = await Promise.all(
      tables.map((table) => system.store.database.query(`SELECT * FROM ${system.namespace}.${table}`)),
    );
    return JSON.stringify(rows);
  }

  it('reaches a role, a topic and all, and is nowhere in the store in clear', async () => {
    seen.length = 0;
    const { messageId } = await agents.send(vault, Secret, { text: MARKER });
    await agents.publish('secrets.new', Secret, { text: MARKER });
    await agents.broadcast(SecretNews, { text: MARKER });
    await until('all were handled', () => seen.length === 3);
    expect([...seen].sort()).toEqual([`news ${MARKER}`, `role ${MARKER}`, `topic ${MARKER}`]);
    expect((await system.store.history.find(messageId))?.message.contentType).toBe(SEALED_TYPE);
    expect(await stored()).not.toContain(MARKER);
  });

  it('is tried again, ends dead without its text, and is handled once requeued', async () => {
    failing = true;
    const { messageId } = await agents.send(vault, Secret, { text: MARKER });
    const { error, history, consumer } = await settled(messageId, 'dead');
    failing = false;
    expect(error).toMatchObject({ name: 'Error', message: expect.stringContaining('not told') });
    expect(history).toHaveLength(2);
    expect(await stored()).not.toContain(MARKER);

    await expect(letters.requeueEdited(ANN, { messageId, consumer }, '{}')).rejects.toMatchObject({ field: 'payload' });
    seen.length = 0;
    await letters.requeue(ANN, { messageId, consumer });
    await settled(messageId, 'completed');
    expect(seen).toEqual([`role ${MARKER}`]);

    // what was sent without being stored is stored when it is dead
    failing = true;
    const news = await agents.broadcast(SecretNews, { text: MARKER });
    const dead = await settled(news.messageId, 'dead');
    failing = false;
    await letters.requeue(ANN, { messageId: news.messageId, consumer: dead.consumer });
    await settled(news.messageId, 'completed');
    expect(seen.slice(-2)).toEqual([`news ${MARKER}`, `news ${MARKER}`]);
    expect(await stored()).not.toContain(MARKER);
  });

  it('is asked and answered sealed, and so is the error of its handler', async () => {
    await expect(agents.request(vault, Secret, { text: 'a', reply: MARKER }, { answer: Secret })).resolves.toEqual({
      text: MARKER,
    });
    failing = true;
    await expect(agents.request(vault, Secret, { text: MARKER })).rejects.toMatchObject({
      remote: { message: `could not keep ${MARKER}` },
    });
    // nor is it told by an asker that fails with it
    const { messageId } = await agents.send({ role: 'asker' }, Errand, { name: 'a' });
    expect((await settled(messageId, 'dead')).error).toMatchObject({ message: 'not told, since it came sealed' });
    failing = false;
    // an answer of a sensitive contract to a question that is not
    await expect(agents.request(vault, Where, { what: 'here' }, { answer: Place })).resolves.toMatchObject({
      text: `here ${MARKER}`,
    });
    await until('the failed request is on record', async () => (await stored()).includes('its asker was told'));
    expect(await stored()).not.toContain(MARKER);
  });

  it('names what breaks its contract, never with the value', async () => {
    const sent = agents.send(vault, Secret, { text: { pin: MARKER } as unknown as string });
    await expect(sent).rejects.toMatchObject({ violations: [{ field: 'text', rule: 'isString' }] });
    await sent.catch((error: Error) => expect(error.message).not.toContain(MARKER));
  });

  it('is dead when anything that it was sealed for was changed, or it came in clear', async () => {
    const { messageId } = await agents.send(vault, Secret, { text: MARKER }, { delay: 60_000 });
    const message = (await system.store.history.find(messageId))?.message;
    if (!message) throw new Error('it is not stored');
    const endOf = async (changed: Partial<Message>): Promise<StoredDelivery> => {
      const forged = { ...message, ...changed };
      const { recipient } = forged;
      await broker.publish({ ...toWire(forged), recipient, mandatory: true, persistent: true });
      return settled(forged.messageId, 'dead');
    };
    seen.length = 0;
    const tampered = { error: { code: 'SEALED_TAMPERED' } };
    await expect(endOf({ messageId: 'forged-1' })).resolves.toMatchObject(tampered);
    await expect(endOf({ messageId: 'forged-2', type: 'secret_news' })).resolves.toMatchObject(tampered);
    const clear = { messageId: 'forged-3', contentType: 'application/json', body: Buffer.from('{"text":"x"}') };
    await expect(endOf(clear)).resolves.toMatchObject({ error: { code: 'NOT_SEALED' } });
    const sealer = vaults.get(Sealer);
    const ofTasks: SealedFor[] = [{ task: 't', type: 'secret', version: 1 }, { result: 't' }];
    for (const [index, bound] of ofTasks.entries()) {
      const body = await sealer.seal(Buffer.from('{"text":"of a task"}'), bound);
      await expect(endOf({ messageId: `forged-task-${index}`, body })).resolves.toMatchObject(tampered);
    }
    expect(seen).toEqual([]);
  });

  it('is handled once, however it is sent again', async () => {
    seen.length = 0;
    const { messageId } = await agents.send(vault, Secret, { text: 'once' });
    await settled(messageId, 'completed');
    const message = (await system.store.history.find(messageId))?.message;
    if (!message) throw new Error('it is not stored');
    const { type, version, body, recipient } = message;
    const digest = createHash('sha256')
      .update(JSON.stringify([messageId, type, version]))
      .update(body);
    const other = {
      messageId: `${messageId}~${digest.digest('base64url').slice(0, 22)}`,
      headers: { 'agentmq-original-id': messageId },
    };
    const again: Partial<Message>[] = [{}, { copy: 'other' }, other, { ...other, copy: 'other' }, { transient: true }];
    for (const changed of again) {
      const wire = toWire({ ...message, ...changed });
      await broker.publish({ ...wire, recipient, mandatory: true, persistent: !changed.transient });
    }
    await settled((await agents.send(vault, Secret, { text: 'last' })).messageId, 'completed');
    expect(seen).toEqual(['role once', 'role last']);
  });

  it('is handled after a delay, where it is replayed or moved to, and when its subscriber is back', async () => {
    const first = await system.start({ id: 'archive-1', controllers: [Archive] });
    await first.close();
    seen.length = 0;
    await agents.publish('secrets.new', Secret, { text: MARKER });
    const { messageId } = await agents.send(vault, Secret, { text: MARKER }, { delay: 100 });
    const { messageId: waiting } = await agents.send({ role: 'gone' }, Secret, { text: 'moved' });
    await settled(messageId, 'completed');
    const replayer = new Replayer(system.store, { outboxLimit: 1_000 });
    const to = 'role.archive';
    await replayer.replay({ messageIds: [messageId], states: ['completed'] }, { to });
    await replayer.replay({ messageIds: [waiting], consumer: 'role.gone' }, { to, move: true });
    await system.start({ id: 'archive-1', controllers: [Archive] });
    const all = [`heard ${MARKER}`, 'kept moved', `kept ${MARKER}`, `role ${MARKER}`, `topic ${MARKER}`];
    await until('all were handled', () => seen.length >= all.length);
    expect([...seen].sort()).toEqual(all);
    expect(await stored()).not.toContain(MARKER);
  });

  it('is sealed by the newest key; what a key has sealed that is not there waits, and is handled once it is', async () => {
    const { sealing } = loadSettings({ SEALING_KEYS: `${NEW},${OLD}` });
    const newer = (await system.start({ id: 'asker-2', controllers: [Asker], sealing })).get(AgentClient);
    seen.length = 0;
    const { messageId } = await newer.send(vault, Secret, { text: MARKER });
    const { error, history, consumer } = await settled(messageId, 'dead');
    expect(error).toMatchObject({ code: 'SEALED_UNKNOWN_KEY', message: expect.stringContaining('"new"') });
    expect(history).toHaveLength(2);

    await vaults.close();
    await system.start({ id: 'vault-2', controllers: [Vault], sealing });
    await letters.requeue(ANN, { messageId, consumer });
    await settled(messageId, 'completed');
    // what the old key has sealed still opens
    await settled((await agents.send(vault, Secret, { text: 'old' })).messageId, 'completed');
    expect(seen).toEqual([`role ${MARKER}`, 'role old']);
  });

  it('is neither handled nor sent by a process without keys, unless sealing is off', async () => {
    const bare = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
    await expect(bare.start({ id: 'vault-3', controllers: [Vault] })).rejects.toMatchObject({
      code: 'NO_SEALING_KEYS',
    });
    const sender = (await bare.start({ id: 'asker-3', controllers: [Asker] })).get(AgentClient);
    await expect(sender.send(vault, Secret, { text: 'x' })).rejects.toMatchObject({ code: 'NO_SEALING_KEYS' });
    await bare.close();

    const clear = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory', SEALING: 'off' });
    seen.length = 0;
    const vaultInClear = (await clear.start({ id: 'vault-4', controllers: [Vault] })).get(AgentClient);
    await vaultInClear.send(vault, Secret, { text: 'clear' });
    await until('it was handled', () => seen.length === 1);
    await clear.close();
  });
});
