import { expect, it } from '@jest/globals';
import { Places } from './places.js';

it('places tell since when all are taken and none was freed', () => {
  let now = 0;
  const places = new Places(2, () => now);
  places.take();
  now = 1;
  expect(places.stalledMs).toBeUndefined();
  places.take();
  now = 10;
  expect(places.stalledMs).toBe(9);
  places.free();
  expect(places.stalledMs).toBeUndefined();
  places.take();
  expect(places.stalledMs).toBe(0);
  places.free();
  places.free();
  expect(places.stalledMs).toBeUndefined();
});
