import { describe, expect, it } from '@jest/globals';
import type { PGlite } from '@electric-sql/pglite';
import { guardedPGlite } from './guarded-pglite.js';

type Replies = Awaited<ReturnType<PGlite['execProtocolStream']>>;

/** A database that answers with one error, and counts what it is asked. */
function failing(error: { readonly severity: string; readonly code: string; readonly message: string }) {
  let asked = 0;
  const execProtocolStream = async (): Promise<Replies> => {
    asked++;
    return Promise.resolve([{ name: 'error', ...error }] as unknown as Replies);
  };
  const database = { execProtocolStream } as unknown as PGlite;
  const reasons: string[] = [];
  const guarded = guardedPGlite(database, (reason) => {
    reasons.push(reason);
    return new Error(`broken: ${reason}`);
  });
  return { ask: () => guarded.execProtocolStream(new Uint8Array()), reasons, asked: () => asked };
}

describe('the embedded database', () => {
  it.each([
    { severity: 'PANIC', code: 'XX000', message: 'could not write to file' },
    { severity: 'FATAL', code: '57P01', message: 'terminating' },
    { severity: 'ERROR', code: '53100', message: 'No space left on device' },
  ])('is asked nothing more after $severity $code, which would never end', async (error) => {
    const { ask, reasons, asked } = failing(error);
    expect(await ask()).toMatchObject([error]);
    await expect(ask()).rejects.toThrow(`broken: ${error.message}`);
    await expect(ask()).rejects.toThrow(`broken: ${error.message}`);
    expect(asked()).toBe(1);
    expect(reasons).toEqual([error.message]);
  });

  it('goes on after an error of one statement', async () => {
    const { ask, reasons, asked } = failing({ severity: 'ERROR', code: '23505', message: 'duplicate key' });
    await ask();
    await ask();
    expect(asked()).toBe(2);
    expect(reasons).toEqual([]);
  });
});
