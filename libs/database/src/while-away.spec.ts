import { describe, expect, it } from '@jest/globals';
import { RefusedDataError, StatementError, StoreUnavailableError } from './errors.js';
import { isAway, persistently } from './while-away.js';

describe('while the store is away', () => {
  it('what must be recorded is tried again whatever the store says, for as long as it may', async () => {
    const { signal } = new AbortController();
    const broken = new StatementError('42P01', 'no such table');
    let calls = 0;
    const work = (): Promise<string> => (++calls < 3 ? Promise.reject(broken) : Promise.resolve('done'));
    expect(await persistently(10_000, signal, work)).toBe('done');
    await expect(persistently(0, signal, () => Promise.reject(broken))).rejects.toBe(broken);
  });

  it('what the store can not hold is not tried again', async () => {
    let calls = 0;
    const refused = new RefusedDataError('22021', 'no such character');
    const work = (): Promise<never> => {
      calls++;
      return Promise.reject(refused);
    };
    await expect(persistently(10_000, new AbortController().signal, work)).rejects.toBe(refused);
    expect(calls).toBe(1);
  });

  it('a database that answers with another error is not away', async () => {
    const pinged = (failure: Error) => ({ ping: () => Promise.reject(failure) });
    expect(await isAway(pinged(new StoreUnavailableError('no answer')))).toBe(true);
    expect(await isAway(pinged(new StatementError('42501', 'not allowed')))).toBe(false);
  });
});
