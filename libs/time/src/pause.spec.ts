import { afterEach, describe, expect, it } from '@jest/globals';
import { pause } from './pause.js';

describe('pause', () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  afterEach(() => void process.off('warning', warned));

  it('any number of callers may wait by one signal', async () => {
    process.on('warning', warned);
    const stopping = new AbortController();
    const waiting = Array.from({ length: 50 }, () => pause(60_000, stopping.signal));
    // Node warns in the next turn
    await new Promise((resolve) => setImmediate(resolve));
    stopping.abort();
    await Promise.all(waiting);
    expect(warnings).toEqual([]);
  });
});
