import { describe, expect, it } from '@jest/globals';
import { RefusedDataError } from 'agentmq/database';
import { Batcher } from './batcher.js';

function gatedBatcher(limits: { size: number; inFlight: number }) {
  const batches: number[][] = [];
  const gates: (() => void)[] = [];
  const batcher = new Batcher<number, number>(async (items) => {
    batches.push(items);
    await new Promise<void>((open) => gates.push(open));
    return items.map((item) => item * 10);
  }, limits);
  const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  return { batcher, batches, gates, turn };
}

describe('Batcher', () => {
  it('puts what comes in one turn into one batch, and answers each its own', async () => {
    const { batcher, batches, gates, turn } = gatedBatcher({ size: 10, inFlight: 1 });
    const answers = Promise.all([1, 2, 3].map((item) => batcher.add(item)));
    await turn();
    gates.forEach((open) => open());
    expect(await answers).toEqual([10, 20, 30]);
    expect(batches).toEqual([[1, 2, 3]]);
  });

  it('keeps to its size and to the number of batches under way', async () => {
    const { batcher, batches, gates, turn } = gatedBatcher({ size: 2, inFlight: 2 });
    const answers = Promise.all([1, 2, 3, 4, 5, 6, 7].map((item) => batcher.add(item)));
    await turn();
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
    ]);
    gates.shift()?.();
    await turn();
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    while (batches.length < 4) {
      gates.shift()?.();
      await turn();
    }
    gates.forEach((open) => open());
    expect(await answers).toEqual([10, 20, 30, 40, 50, 60, 70]);
  });

  it("rejects a failed batch's items only, and goes on", async () => {
    let calls = 0;
    const batcher = new Batcher<number, number>(
      (items) => (calls++ === 0 ? Promise.reject(new Error('down')) : Promise.resolve(items)),
      { size: 1, inFlight: 1 },
    );
    const answers = await Promise.allSettled([batcher.add(1), batcher.add(2)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  it('finds the one item that the store can not hold: it alone is rejected', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>(
      (items) => {
        batches.push(items);
        const bad = items.includes(13) || items.includes(40);
        return bad ? Promise.reject(new RefusedDataError('54000', 'too long')) : Promise.resolve(items);
      },
      { size: 100, inFlight: 1 },
    );
    const answers = await Promise.allSettled(Array.from({ length: 64 }, (_, item) => batcher.add(item)));
    const rejected = answers.flatMap(({ status }, item) => (status === 'rejected' ? [item] : []));
    expect(rejected).toEqual([13, 40]);
    expect(batches.length).toBeLessThan(30);
  });
});
