import { expect, it } from '@jest/globals';
import { SharedRead } from './shared-read.js';

function recorded() {
  let now = 0;
  let reads = 0;
  let settle: { resolve(value: number): void; reject(error: Error): void } | undefined;
  const shared = new SharedRead(
    () => {
      reads++;
      return new Promise<number>((resolve, reject) => (settle = { resolve, reject }));
    },
    { everyMs: 1_000, patienceMs: 20, elapsed: () => now },
  );
  return {
    shared,
    reads: () => reads,
    pass: (ms: number) => (now += ms),
    answer: async (value: number | Error) => {
      if (value instanceof Error) settle?.reject(value);
      else settle?.resolve(value);
      await new Promise(setImmediate);
    },
  };
}

it('all that ask at the same time, and for a while after, share one read', async () => {
  const { shared, reads, pass, answer } = recorded();
  const asked = [shared.get(), shared.get()];
  await answer(1);
  expect(await Promise.all(asked)).toEqual([1, 1]);
  pass(999);
  expect(await shared.get()).toBe(1);
  expect(reads()).toBe(1);
  pass(1);
  const next = shared.get();
  await answer(2);
  expect(await next).toBe(2);
});

it('what failed is not repeated before its time', async () => {
  const { shared, reads, pass, answer } = recorded();
  const first = shared.get();
  await answer(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await expect(shared.get()).rejects.toThrow('away');
  expect(reads()).toBe(1);
  pass(1_000);
  const next = shared.get();
  await answer(3);
  expect(await next).toBe(3);
});

it('a read that takes long holds up no scrape, is not begun twice, and is rare afterwards', async () => {
  const { shared, reads, pass, answer } = recorded();
  await expect(shared.get()).rejects.toThrow('no answer within 20 ms');
  pass(2_000);
  await expect(shared.get()).rejects.toThrow('no answer within 20 ms');
  expect(reads()).toBe(1);
  await answer(4);
  expect(await shared.get()).toBe(4);
  pass(39_999);
  expect(await shared.get()).toBe(4);
  expect(reads()).toBe(1);
  pass(1);
  void shared.get().catch(() => undefined);
  expect(reads()).toBe(2);
});

it('what failed after long is read again at once: it may pass now', async () => {
  const { shared, reads, pass, answer } = recorded();
  void shared.get().catch(() => undefined);
  pass(35_000);
  await answer(new Error('away'));
  const next = shared.get();
  expect(reads()).toBe(2);
  await answer(5);
  expect(await next).toBe(5);
});

it('a read that took very long is rested from for a minute, not longer', async () => {
  const { shared, reads, pass, answer } = recorded();
  void shared.get().catch(() => undefined);
  pass(35_000);
  await answer(6);
  pass(59_999);
  expect(await shared.get()).toBe(6);
  pass(1);
  void shared.get().catch(() => undefined);
  expect(reads()).toBe(2);
});
