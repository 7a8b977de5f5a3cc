import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, Handle, loadSettings } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { readSeal } from 'agentmq/messaging';
import { IsInt } from 'class-validator';
import { until } from '../support/index.js';
import { ThrowawayFolder } from '../support/throwaway-folder.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'secret', sensitive: true })
class Secret {
  @IsInt()
  number!: number;
}

/** Every second message is a request, whose answer is sealed too. */
const RATE = 200;
/** From one instance's new file to the next one's, in ms: what is sent meanwhile may meet an instance without the key. */
const STEP_MS = 250;
/** A file is read again within a second. */
const AGAIN_MS = 1_100;
const VAULTS = ['vault-1', 'vault-2'];
const SENDERS = ['sender-1', 'sender-2'];

const key = (kid: string): string => `${kid}:${randomBytes(32).toString('base64')}`;

const handled: number[] = [];

@Agent({ role: 'vault' })
class Vault {
  @Handle(Secret)
  take({ number }: Secret): { number: number } {
    handled.push(number);
    return { number };
  }
}

@Agent({ role: 'sender' })
class Sender {}

describe('keys that are rotated under load', () => {
  const system = new TestSystem();
  const folder = ThrowawayFolder.create('keys');
  const clients: AgentClient[] = [];
  const fileOf = (id: string): string => folder.join(id);
  const [first, second, third] = [key('first'), key('second'), key('third')];

  async function roll(ids: readonly string[], ...keys: string[]): Promise<void> {
    for (const id of ids) {
      await writeFile(fileOf(id), keys.join('\n'));
      await sleep(STEP_MS);
    }
  }

  beforeAll(async () => {
    for (const id of [...VAULTS, ...SENDERS]) {
      await writeFile(fileOf(id), first);
      const { sealing } = loadSettings({ SEALING_KEYS_FILE: fileOf(id) });
      const agent = await system.start({ id, controllers: [id.startsWith('vault') ? Vault : Sender], sealing });
      if (SENDERS.includes(id)) clients.push(agent.get(AgentClient));
    }
  });
  afterAll(async () => {
    await system.close();
    folder.remove();
  });

  it('lose nothing, and leave nothing dead, also when a key seals before all have it', async () => {
    const sent: number[] = [];
    const answered: number[] = [];
    const failures: unknown[] = [];
    const underWay: Promise<unknown>[] = [];
    let asking = true;
    const stopped = new AbortController();
    const load = async (): Promise<void> => {
      const begun = performance.now();
      for (let number = 1; !stopped.signal.aborted; number++) {
        const client = clients[number % clients.length] as AgentClient;
        const work =
          number % 2 === 0 || !asking
            ? client.send({ role: 'vault' }, Secret, { number }).then(() => sent.push(number))
            : client.request({ role: 'vault' }, Secret, { number }).then(() => answered.push(number));
        underWay.push(work.catch((error: unknown) => failures.push(error)));
        await sleep(Math.max(0, begun + (number * 1_000) / RATE - performance.now()));
      }
    };
    const loaded = load();
    const all = [...VAULTS, ...SENDERS];
    await roll(all, first, second);
    await roll(all, second, first);
    await sleep(AGAIN_MS);
    await until('all that the first key has sealed is handled', () => handled.length >= sent.length + answered.length);
    await roll(all, second);
    // A key seals before the vaults have it: messages are tried again, but an asker is told at once.
    asking = false;
    await Promise.all(underWay);
    await roll([...SENDERS, ...VAULTS], third, second);
    await sleep(AGAIN_MS);
    stopped.abort();
    await loaded;
    await Promise.all(underWay);

    expect(failures).toEqual([]);
    await until('all are handled', () => handled.length >= sent.length + answered.length, 30_000);
    expect([...handled].sort((a, b) => a - b)).toEqual([...sent, ...answered].sort((a, b) => a - b));
    const deliveries = `FROM ${system.namespace}.deliveries WHERE consumer = 'role.vault'`;
    await until('none is under way', async () => {
      const open = await system.store.database.query(
        `SELECT ${deliveries} AND state IN ('pending', 'processing', 'retrying')`,
      );
      return open.length === 0;
    });
    const states = await system.store.database.query<{ state: string; count: number }>(
      `SELECT state, count(*)::integer AS count ${deliveries} GROUP BY state`,
    );
    expect(states).toEqual([{ state: 'completed', count: sent.length }]);
    const bodies = await system.store.database.query<{ body: string }>(
      `SELECT body FROM ${system.namespace}.messages WHERE type = 'secret'`,
    );
    const kids = bodies.map(({ body }) => readSeal(body).kid);
    expect(new Set(kids)).toEqual(new Set(['first', 'second', 'third']));
  }, 60_000);
});
