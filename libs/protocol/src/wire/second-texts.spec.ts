import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SecondTexts } from './second-texts.js';

const FIRST = Date.UTC(2026, 0, 1);
/** Times that are often of the same second. */
const near = fc.integer({ min: FIRST - 1_500, max: FIRST + 1_500 }).map((ms) => new Date(ms));
const far = fc.date({ noInvalidDate: true });
const times = fc.array(fc.oneof({ weight: 3, arbitrary: near }, far), { maxLength: 30 });

describe('SecondTexts', () => {
  it('writes and parses as Date does, whatever came before (property)', () => {
    fc.assert(
      fc.property(times, times, (written, parsed) => {
        const texts = new SecondTexts();
        for (const time of written) expect(texts.textOf(time)).toBe(time.toISOString());
        for (const time of parsed) expect(texts.msOf(time.toISOString())).toBe(time.getTime());
      }),
    );
  });

  it('parses what others write as Date does', () => {
    const texts = new SecondTexts();
    for (const text of [
      '2026-01-01T00:00:00.123Z',
      '2026-01-01T00:00:00.4 6Z',
      '2026-01-01T00:00:00.-12Z',
      '2026-01-01T00:00:00.123z',
      '2026-01-01T00:00:00.1234Z',
      '2026-01-01T00:00:00Z',
      '2026-01-01T02:00:00.123+02:00',
      'Thu Jan 01 2026 00:00 Z ',
      '1970-01-01T00:00:00.5Z',
      '2026-02-31T00:00:00.000Z',
      '',
      'tomorrow',
    ]) {
      expect(texts.msOf(text)).toBe(Date.parse(text));
    }
  });

  it('refuses a time that is none', () => {
    expect(() => new SecondTexts().textOf(new Date(NaN))).toThrow(RangeError);
  });
});
