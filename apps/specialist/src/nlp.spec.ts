import { describe, expect, it } from '@jest/globals';
import { analyseText, analyseValues, NLP_LIMITS } from './nlp.js';

describe('analyseText', () => {
  it('finds the words that carry meaning, weighted by how often their texts occur', async () => {
    const { keywords } = await analyseText(
      ['The Engine failed at 5,000 ft!', 'engine OK', '2020-01-01 --'],
      [3, 2, 50],
    );
    expect(keywords).toEqual([
      { word: 'engine', count: 5 },
      { word: 'failed', count: 3 },
      { word: 'ft', count: 3 },
      { word: 'ok', count: 2 },
    ]);
  });

  it('tells good from bad, each text as often as it occurs', async () => {
    const { sentiment } = await analyseText(['a wonderful, happy day', 'a terrible accident', 'a table'], [3, 1, 4]);
    expect(sentiment).toMatchObject({ positive: 3, neutral: 4, negative: 1 });
    expect(sentiment?.score).toBeGreaterThan(0);
    expect((await analyseText(['not good'])).sentiment?.score).toBeLessThan(0);
  });

  it('rounds the score to six digits within -1 to 1', async () => {
    const score = (await analyseText(['good', 'table', 'chair'])).sentiment?.score ?? NaN;
    expect(score).toBe(Math.round(score * 1e6) / 1e6);
    expect(Math.abs(score)).toBeLessThanOrEqual(1);
  });

  it('has no sentiment where there is no text', async () => {
    const nothing = { keywords: [], sentiment: null, analysed: 0 };
    expect(await analyseText([])).toEqual(nothing);
    expect(await analyseText([' ', ''])).toEqual(nothing);
  });

  it('tells at most twenty keywords, by count and then by word', async () => {
    const words = Array.from({ length: 30 }, (_, i) => `word${String.fromCharCode(97 + (i % 26))}${'x'.repeat(i)}`);
    const { keywords } = await analyseText(words);
    expect(keywords).toHaveLength(20);
    expect(keywords.map(({ word }) => word)).toEqual(words.toSorted().slice(0, 20));
  });
});

describe('analyseValues', () => {
  it('reads the most frequent values of all columns only, and lets other work run meanwhile', async () => {
    let turns = 0;
    const watching = setInterval(() => turns++, 1);
    const many = Array.from({ length: NLP_LIMITS.texts + 500 }, (_, i) => [`rare item ${i}`, 1] as const);
    const { analysed, keywords } = await analyseValues([many, [['frequent', 7]]]);
    clearInterval(watching);
    expect(analysed).toBe(NLP_LIMITS.texts);
    expect(keywords.find(({ word }) => word === 'frequent')?.count).toBe(7);
    expect(turns).toBeGreaterThan(5);
  });

  it('reads only the beginning of very long values', async () => {
    const long = `${'good '.repeat(NLP_LIMITS.characters / 5)}bad`;
    const { keywords } = await analyseValues([[[long, 1]]]);
    expect(keywords.map(({ word }) => word)).not.toContain('bad');
  });
});
