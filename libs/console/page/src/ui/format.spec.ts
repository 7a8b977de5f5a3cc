import { expect, it } from '@jest/globals';
import { brief, compact, duration, plural, rate, relative, shortId } from './format.js';

it.each([
  [0, '0 s'],
  [0.4, '0.4 ms'],
  [38.2, '38 ms'],
  [1_240, '1.2 s'],
  [12_000, '12 s'],
  [250_000, '4 min 10 s'],
  [7_500_000, '2 h 5 min'],
  [7_200_000, '2 h'],
  [273_600_000, '3 d 4 h'],
])('a time of %d ms is %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

it.each([
  [0, '0'],
  [0.004, '<0.01'],
  [0.04, '0.04'],
  [3.21, '3.2'],
  [148.4, '148'],
])('a rate of %d is %s', (value, text) => {
  expect(rate(value)).toBe(text);
});

it.each([
  [-500, 'just now'],
  [-12_000, '12 s ago'],
  [180_000, 'in 3 min'],
  [-90_000_000, '1 d ago'],
])('%d ms from now is %s', (ms, text) => {
  expect(relative(ms)).toBe(text);
});

it('counts are told with their noun, large ones in short, and of long ids the ends', () => {
  expect([plural(1_204, 'message'), plural(1, 'message'), plural(2, 'inbox', 'inboxes')]).toEqual([
    '1,204 messages',
    '1 message',
    '2 inboxes',
  ]);
  expect([brief(980), brief(2_508)]).toEqual(['980', '2.5K']);
  expect([compact(99_999), compact(1_234_567)]).toEqual(['99,999', '1.2M']);
  expect(shortId('0198f2c4-7a1e-7c31-9d55-900000000001')).toBe('0198f2c4…0001');
});
