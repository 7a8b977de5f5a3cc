import { describe, expect, it } from '@jest/globals';
import { AgentMQError } from 'agentmq/protocol';
import { fanOut } from './fan-out.js';

class Passing extends AgentMQError {
  readonly code = 'PASSING';
  override readonly retryable = true;
}

class Lasting extends AgentMQError {
  readonly code = 'LASTING';
}

async function* upTo(count: number, taken: number[]): AsyncGenerator<number> {
  for (let n = 0; n < count; n++) {
    taken.push(n);
    yield n;
  }
}

describe('fanOut', () => {
  it('does every piece, with no more out at once than the window, and takes none ahead', async () => {
    const taken: number[] = [];
    const done: number[] = [];
    let out = 0;
    let most = 0;
    await fanOut(
      upTo(20, taken),
      async (n) => {
        most = Math.max(most, ++out);
        expect(taken.length - done.length).toBeLessThanOrEqual(4);
        await new Promise((resolve) => setImmediate(resolve));
        out--;
        done.push(n);
      },
      { window: 3, attempts: 1 },
    );
    expect(most).toBe(3);
    expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it('tries again what may pass, and no more often than told', async () => {
    let tries = 0;
    const failTwice = () => (++tries < 3 ? Promise.reject(new Passing('not now')) : Promise.resolve());
    await fanOut(upTo(1, []), failTwice, { window: 1, attempts: 3 });
    expect(tries).toBe(3);
    tries = 0;
    await expect(fanOut(upTo(1, []), failTwice, { window: 1, attempts: 2 })).rejects.toThrow(Passing);
  });

  it.each<[string, AgentMQError, () => boolean]>([
    ['is not retryable', new Lasting('never'), () => true],
    ['is not worth it', new Passing('not now'), () => false],
  ])('gives up at once what %s', async (_, error, retry) => {
    let tries = 0;
    const fail = () => {
      tries++;
      return Promise.reject(error);
    };
    await expect(fanOut(upTo(1, []), fail, { window: 1, attempts: 5, retry })).rejects.toBe(error);
    expect(tries).toBe(1);
  });

  it('ends with the reason of the signal', async () => {
    const stop = new AbortController();
    const never = (): Promise<void> => new Promise(() => stop.abort(new Lasting('stopped')));
    const going = fanOut(upTo(1, []), never, { window: 1, attempts: 1, signal: stop.signal });
    await expect(going).rejects.toThrow('stopped');
  });
});
