import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Database } from 'agentmq/database';
import { databaseUrl, randomNamespace, removeNamespace } from '../support/index.js';
import { type PieceAttempt, gate, Piece, Play, role } from './play.js';

const namespace = randomNamespace('anew');
const database = Database.connect({ url: databaseUrl(), namespace });
let play: Play;

beforeAll(() => database.migrate(), 30_000);
afterEach(() => play.world.close());
afterAll(async () => {
  await database.close();
  await removeNamespace(namespace);
});

it('who is at work on a part of which the next attempt makes another is told to stop, and who is below it', async () => {
  const failing = gate();
  const never = new Promise(() => undefined);
  const stopped: string[] = [];
  const delegate = ({ by, path, task }: PieceAttempt, part: string): Promise<unknown> => {
    task.signal.addEventListener('abort', () => stopped.push(path));
    return by.delegation.delegate(Piece, [{ path: part }], { ...role, keyOf: () => 'the same' });
  };
  play = new Play(database, {
    '0': async (attempt) => {
      if (attempt.task.attempt > 1) return delegate(attempt, '0.second');
      await Promise.race([delegate(attempt, '0.first'), failing.opened]);
      throw new Error('once more');
    },
    '0.first': (attempt) => delegate(attempt, '0.first.0'),
    '0.first.0': ({ path, task }) => {
      task.signal.addEventListener('abort', () => stopped.push(path));
      return never;
    },
    '0.second': () => Promise.resolve('done'),
  });
  await play.begin();
  for (const path of ['0.first', '0.first.0']) {
    await play.until(`${path} is on record`, async () => path in (await play.states()));
    await play.world.lead();
    await play.until(`${path} is at work`, () => play.hasBegun(path));
  }
  failing.open();
  await play.until('the first attempt has failed', async () => (await play.states())['0'] === 'queued');
  await play.world.lead();
  await play.until('the part is another', async () => '0.second' in (await play.states()));
  await play.until('both are told', () => stopped.includes('0.first') && stopped.includes('0.first.0'));
  expect(await play.states()).toEqual({ '0': 'assigned', '0.second': 'queued', '0.first.0': 'cancelled' });
  await play.finish();
  expect(await play.states()).toEqual({ '0': 'completed', '0.second': 'completed', '0.first.0': 'cancelled' });
});
