import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AgentMQError } from 'agentmq/protocol';
import { Database } from 'agentmq/database';
import { PartFailedError } from 'agentmq/coordination';
import { databaseUrl, randomNamespace, removeNamespace } from '../support/index.js';
import { type PieceAttempt, gate, Piece, Play, role } from './play.js';

class Refused extends AgentMQError {
  readonly code = 'REFUSED';
}

/** Nobody tidies up meanwhile: what is to end with a task has to end by the statement that ends it. */
describe('parts of a task that ends before them', () => {
  const namespace = randomNamespace('ending');
  const database = Database.connect({ url: databaseUrl(), namespace });
  const plays: Play[] = [];
  const under = gate();
  const keyOf = ({ path }: Piece): string => path;
  const stopped = new Set<string>();

  const delegate = ({ by }: PieceAttempt, ...paths: string[]): Promise<unknown> =>
    by.delegation.delegate(
      Piece,
      paths.map((path) => ({ path })),
      { ...role, keyOf, onFailure: 'fail-fast' },
    );
  const waiting = (attempt: PieceAttempt): Promise<void> => {
    attempt.task.signal.addEventListener('abort', () => stopped.add(attempt.path));
    return under.opened;
  };
  const splitting = async (attempt: PieceAttempt, ...paths: string[]): Promise<void> => {
    attempt.task.signal.addEventListener('abort', () => stopped.add(attempt.path));
    await delegate(attempt, ...paths);
  };

  const play = (methods: Record<string, (attempt: PieceAttempt) => Promise<unknown>>): Play => {
    const one = new Play(database, methods);
    plays.push(one);
    return one;
  };
  /** Has all parts down to these assigned, and at work. */
  const reach = async (one: Play, ...paths: string[]): Promise<void> => {
    for (const path of paths) {
      await one.until(`${path} is on record`, async () => path in (await one.states()));
      await one.world.lead();
      await one.until(`${path} is at work`, () => one.hasBegun(path));
    }
  };

  beforeAll(() => database.migrate(), 30_000);
  afterEach(async () => {
    for (const one of plays.splice(0)) one.world.close();
    stopped.clear();
    await database.query(`TRUNCATE "${namespace}".tasks CASCADE`);
  });
  afterAll(async () => {
    await database.close();
    await removeNamespace(namespace);
  });

  it.each([
    { end: 'is done', state: 'completed', of: () => Promise.resolve(1) },
    { end: 'fails for good', state: 'failed', of: () => Promise.reject(new Refused('never')) },
  ])('are cancelled with all below them at the moment when it $end', async ({ state, of }) => {
    const held = gate();
    const one = play({
      '0': async (attempt) => {
        delegate(attempt, '0.0', '0.1').catch(() => undefined);
        await held.opened;
        return of();
      },
      '0.0': (attempt) => splitting(attempt, '0.0.0', '0.0.1'),
      '0.0.0': (attempt) => splitting(attempt, '0.0.0.0'),
      '0.0.1': () => Promise.resolve(1),
      '0.0.0.0': waiting,
      '0.1': waiting,
    });
    await one.begin();
    await reach(one, '0.0', '0.1', '0.0.0', '0.0.1', '0.0.0.0');
    await one.until('one is done', async () => (await one.row('0.0.1')).state === 'completed');
    held.open();
    await one.until('the end', async () => (await one.row('0')).state === state);
    expect(await one.states()).toEqual({
      '0': state,
      '0.0': 'cancelled',
      '0.0.0': 'cancelled',
      '0.0.0.0': 'cancelled',
      '0.0.1': 'completed',
      '0.1': 'cancelled',
    });
    await one.until('all are told to stop', () => stopped.size === 4);
  });

  it('are cancelled with all below them when it is cancelled', async () => {
    const one = play({
      '0': (attempt) => splitting(attempt, '0.0'),
      '0.0': (attempt) => splitting(attempt, '0.0.0'),
      '0.0.0': waiting,
    });
    await one.begin();
    await reach(one, '0.0', '0.0.0');
    const [top] = await one.world.ids();
    one.world.cancel(top?.id ?? '');
    await one.until('the end', async () => (await one.row('0')).state === 'cancelled');
    expect(await one.states()).toEqual({ '0': 'cancelled', '0.0': 'cancelled', '0.0.0': 'cancelled' });
    await one.until('all are told to stop', () => stopped.size === 3);
  });

  it('are cancelled when one of them fails for good, before its method is told, which may go on', async () => {
    const held = gate();
    const failed = gate();
    let told: unknown;
    const one = play({
      '0': async (attempt) => {
        told = await delegate(attempt, '0.0', '0.1').catch((error: unknown) => error);
        await held.opened;
        return 'without';
      },
      '0.0': async () => {
        await failed.opened;
        throw new Refused('never');
      },
      '0.1': (attempt) => splitting(attempt, '0.1.0'),
      '0.1.0': waiting,
    });
    await one.begin();
    await reach(one, '0.0', '0.1', '0.1.0');
    failed.open();
    await one.until('its method is told', () => told !== undefined);
    expect(told).toBeInstanceOf(PartFailedError);
    expect(await one.states()).toEqual({ '0': 'assigned', '0.0': 'failed', '0.1': 'cancelled', '0.1.0': 'cancelled' });
    await one.until('those below are told to stop', () => stopped.size === 2);
    held.open();
    await one.finish();
    expect(await one.row('0')).toMatchObject({ state: 'completed', result: 'without' });
  });

  it('are cancelled when one of them fails for good, and it with that', async () => {
    const failed = gate();
    const one = play({
      '0': (attempt) => splitting(attempt, '0.0', '0.1'),
      '0.0': async () => {
        await failed.opened;
        throw new Refused('never');
      },
      '0.1': (attempt) => splitting(attempt, '0.1.0'),
      '0.1.0': waiting,
    });
    await one.begin();
    await reach(one, '0.0', '0.1', '0.1.0');
    failed.open();
    await one.until('the end', async () => (await one.row('0')).state === 'failed');
    expect(await one.row('0')).toMatchObject({ code: 'PART_FAILED' });
    expect(await one.states()).toEqual({ '0': 'failed', '0.0': 'failed', '0.1': 'cancelled', '0.1.0': 'cancelled' });
  });
});
