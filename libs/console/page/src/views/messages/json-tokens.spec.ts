import { describe, expect, it } from '@jest/globals';
import { tokensOf } from './json-tokens.js';

describe('JSON as it is shown', () => {
  it.each([
    [{ order: 4711, paid: true, note: 'a "quoted" \\ one: {"x": 1}', list: [1.5e-7, null, -3] }],
    ['<script>alert(1)</script>'],
    [{}],
  ])('has the same text: %j', (value) => {
    const json = JSON.stringify(value, null, 2);
    expect(
      tokensOf(json)
        .map(({ text }) => text)
        .join(''),
    ).toBe(json);
  });

  it('tells keys, texts, numbers and words', () => {
    const kinds = tokensOf('{"a": "b", "c": -1.5, "d": null}').filter(({ kind }) => kind !== 'other');
    expect(kinds.map(({ kind, text }) => [kind, text])).toEqual([
      ['key', '"a"'],
      ['text', '"b"'],
      ['key', '"c"'],
      ['number', '-1.5'],
      ['key', '"d"'],
      ['word', 'null'],
    ]);
  });

  it('takes text that was cut off in the middle', () => {
    expect(tokensOf('{"a": "b').map(({ text }) => text)).toEqual(['{', '"a"', ':', ' "b']);
  });
});
