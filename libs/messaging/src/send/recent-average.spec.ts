import { expect, it } from '@jest/globals';
import { RecentAverage } from './recent-average.js';

it('is of the last while only, and nothing when there was nothing', () => {
  let now = 0;
  const average = new RecentAverage(1_000, () => now);
  expect(average.value).toBeUndefined();
  average.add(10);
  now = 500;
  average.add(20);
  average.add(60);
  expect(average.value).toBe(30);
  now = 1_050;
  expect(average.value).toBe(40);
  now = 1_600;
  expect(average.value).toBeUndefined();
});
