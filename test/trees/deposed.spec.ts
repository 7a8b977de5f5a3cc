import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AgentMQError } from 'agentmq/protocol';
import { Database } from 'agentmq/database';
import { TaskTakenError } from 'agentmq/coordination';
import { databaseUrl, randomNamespace, removeNamespace, until } from '../support/index.js';
import { type PieceAttempt, gate, Piece, Play, role } from './play.js';

class Refused extends AgentMQError {
  readonly code = 'REFUSED';
}

const DEADLINE_MS = 100;

/** Each process is held at the statement in question, and goes on only after others have what it had. */
describe('an agent that goes on after its task was given to another', () => {
  const namespace = randomNamespace('deposed');
  const database = Database.connect({ url: databaseUrl(), namespace });
  const plays: Play[] = [];

  const play = (methods: Record<string, (attempt: PieceAttempt) => Promise<unknown>>): Play => {
    const one = new Play(database, methods);
    plays.push(one);
    return one;
  };
  const parts = (...paths: string[]): Piece[] => paths.map((path) => ({ path }));
  const keyOf = ({ path }: Piece): string => path;

  beforeAll(() => database.migrate(), 30_000);
  afterEach(async () => {
    for (const one of plays.splice(0)) one.world.close();
    await database.query(`TRUNCATE "${namespace}".tasks CASCADE`);
  });
  afterAll(async () => {
    await database.close();
    await removeNamespace(namespace);
  });

  it('does not begin it', async () => {
    const one = play({ '0': ({ by }) => Promise.resolve(by.id) });
    const deposed = await one.begin({ attempts: 1 });
    await one.depose(deposed);
    const second = await one.agentOf('0');
    expect(second).not.toBe(deposed);
    await one.letGo(deposed);
    expect(one.attempts).toEqual([]);
    // had it been begun for the second agent, its death would now be the failure of the only attempt
    one.world.kill(one.world.agents.indexOf(second), false);
    await one.finish();
    expect(one.attempts).toHaveLength(1);
    const by = one.attempts[0]?.by.id;
    expect(await one.rows()).toEqual([
      { path: '0', state: 'completed', agent: by, failures: 0, result: by, code: null },
    ]);
  });

  it('makes none of its parts, nor begins one anew that has failed', async () => {
    const held = gate();
    const outcomes = new Map<string, unknown>();
    const one = play({
      '0': async ({ by }) => {
        // what the first attempt begins with, the second does not know
        const pieces = by === deposed ? parts('0.0', '0.1', '0.other') : parts('0.0', '0.1');
        try {
          const { unfinished } = await by.delegation.delegate(Piece, pieces, { ...role, keyOf, onFailure: 'partial' });
          return unfinished.map(({ key }) => key);
        } catch (error) {
          outcomes.set(by.id, error);
          throw error;
        }
      },
      '0.0': () => Promise.reject(new Refused('never')),
      '0.1': () => held.opened,
    });
    const deposed = await one.begin();
    await one.until('the first is at work', () => one.hasBegun('0'));
    await one.depose(deposed);
    expect(await one.states()).toEqual({ '0': 'assigned' });
    await one.until('the parts of the second', async () => (await one.rows()).length === 3);
    await one.world.lead();
    await one.until('one is under way', () => one.hasBegun('0.1'));
    await one.until('the other has failed', async () => (await one.row('0.0')).state === 'failed');
    const before = await one.rows();
    await one.letGo(deposed);
    expect(await one.rows()).toEqual(before);
    expect(outcomes.get(deposed.id)).toBeInstanceOf(TaskTakenError);
    held.open();
    await one.finish();
    expect(await one.row('0')).toMatchObject({ state: 'completed', failures: 1, result: ['0.0'] });
    expect(one.attempts.map(({ path }) => path).sort()).toEqual(['0', '0', '0.0', '0.1']);
  });

  it.each([
    { end: 'returns', of: (by: string) => Promise.resolve(by) },
    { end: 'fails', of: () => Promise.reject(new Error('not yet')) },
    { end: 'fails for good', of: () => Promise.reject(new Refused('never')) },
  ])('does not end it when its method $end, nor the parts', async ({ of }) => {
    const held = gate();
    let isDone = false;
    const one = play({
      '0': async ({ by }) => {
        await by.delegation.delegate(Piece, parts('0.0'), { ...role, keyOf });
        if (by !== deposed) {
          await by.delegation.delegate(Piece, parts('0.1'), { ...role, keyOf });
          return by.id;
        }
        isDone = true;
        return of(by.id);
      },
      '0.0': () => Promise.resolve(0),
      '0.1': () => held.opened,
    });
    const deposed = await one.begin();
    await one.until('the part', async () => (await one.rows()).length === 2);
    await one.world.lead();
    await one.until('its method is done', () => isDone);
    await one.depose(deposed);
    await one.until('the part of the second', async () => (await one.rows()).length === 3);
    await one.world.lead();
    await one.until('it is under way', () => one.hasBegun('0.1'));
    const before = await one.rows();
    await one.letGo(deposed);
    expect(await one.rows()).toEqual(before);
    expect(before).toMatchObject([{ state: 'assigned', failures: 1 }, { state: 'completed' }, { state: 'assigned' }]);
    held.open();
    await one.finish();
    const second = one.attempts.find(({ path, by }) => path === '0' && by !== deposed)?.by.id;
    expect(await one.row('0')).toMatchObject({ state: 'completed', agent: second, result: second, failures: 1 });
  });

  it('cancels none of the parts when it gives up over another', async () => {
    const held = gate();
    const one = play({
      '0': async ({ by }) => {
        const pieces = by === deposed ? parts('0.0', '0.1') : parts('0.1');
        await by.delegation.delegate(Piece, pieces, { ...role, keyOf });
        return by.id;
      },
      '0.0': () => Promise.reject(new Refused('never')),
      '0.1': () => held.opened,
    });
    const deposed = await one.begin();
    await one.until('the parts', async () => (await one.rows()).length === 3);
    await one.world.lead();
    await one.until('one is under way', () => one.hasBegun('0.1'));
    await one.until('the other has failed', async () => (await one.row('0.0')).state === 'failed');
    await one.depose(deposed);
    await one.until('the second is at work', () => one.hasBegun('0', 2));
    const before = await one.rows();
    await one.letGo(deposed);
    expect(await one.rows()).toEqual(before);
    expect((await one.row('0.1')).state).toBe('assigned');
    held.open();
    await one.finish();
    expect(await one.states()).toEqual({ '0': 'completed', '0.0': 'failed', '0.1': 'completed' });
    expect(one.attempts.filter(({ path }) => path === '0.1')).toHaveLength(1);
  });

  it('does not end a part whose time was over by its own reckoning, and which was begun anew since', async () => {
    const failed = gate();
    const held = gate();
    let isAnew = false;
    const one = play({
      '0': async ({ by }) => {
        if (by !== deposed) await failed.opened;
        isAnew = by !== deposed;
        const options = { ...role, keyOf, ...(isAnew ? {} : { deadline: DEADLINE_MS }) };
        await by.delegation.delegate(Piece, parts('0.0'), options);
        return by.id;
      },
      '0.0': () => (isAnew ? held.opened : Promise.reject(new Refused('not yet'))),
    });
    const deposed = await one.begin();
    await one.until('the part', async () => (await one.rows()).length === 2);
    // it hears of that, and no more
    await one.world.step(0, deposed);
    one.world.pause(one.world.agents.indexOf(deposed));
    await one.until('the part has failed', async () => {
      // by the method, or by its time where that was over first
      await one.world.lead();
      return (await one.row('0.0')).state === 'failed';
    });
    failed.open();
    await one.until('it is to begin anew', async () => (await one.row('0.0')).state === 'queued');
    await one.world.lead();
    await one.until('it is under way', async () => one.hasBegun('0.0') && (await one.row('0.0')).state === 'assigned');
    await until('its time to be over', () => one.world.isAboutToWrite(deposed));
    const before = await one.rows();
    await one.letGo(deposed);
    expect(await one.rows()).toEqual(before);
    held.open();
    await one.finish();
    expect(await one.states()).toEqual({ '0': 'completed', '0.0': 'completed' });
  });
});
