import { expect, it } from '@jest/globals';
import { Places } from './places.js';

it('places tell since when all are taken and none was freed', async () => {
  let now = 0;
  const places = new Places(2, () => now);
  const ends: (() => void)[] = [];
  const take = (): Promise<void> => places.hold(() => new Promise((resolve) => ends.push(resolve)));
  const first = take();
  now = 1;
  expect(places.stalledMs).toBeUndefined();
  const second = take();
  now = 10;
  expect(places.stalledMs).toBe(9);
  ends[0]?.();
  await first;
  expect(places.stalledMs).toBeUndefined();
  const third = places.hold(() => Promise.reject(new Error('failed')));
  expect(places.stalledMs).toBe(0);
  await expect(third).rejects.toThrow('failed');
  expect(places.stalledMs).toBeUndefined();
  ends[1]?.();
  await second;
  expect(places.stalledMs).toBeUndefined();
});
