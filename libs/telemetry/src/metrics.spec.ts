import { describe, expect, it } from '@jest/globals';
import { bounded, Metrics, sample } from './metrics.js';

const valuesOf = async (metrics: Metrics): Promise<string[]> =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('a sampled gauge', () => {
  it('has the values of each scrape, and none when they can not be read; the rest is answered', async () => {
    const metrics = new Metrics();
    let read = (): number => 3;
    metrics.sampled({ name: 'plain', help: 'h' }, () => [sample(read())]);
    metrics.sampled({ name: 'labelled', help: 'h', labelNames: ['role'] }, () =>
      Promise.resolve([{ labels: { role: `r${read()}` }, value: 1 }]),
    );
    metrics.counter({ name: 'counted', help: 'h' }).inc(2);
    expect(await valuesOf(metrics)).toEqual(['plain 3', 'labelled{role="r3"} 1', 'counted 2']);
    read = () => 4;
    expect(await valuesOf(metrics)).toEqual(['plain 4', 'labelled{role="r4"} 1', 'counted 2']);
    read = () => {
      throw new Error('away');
    };
    expect(await valuesOf(metrics)).toEqual(['counted 2']);
  });
});

describe('the values of a label', () => {
  const samples = (...counts: number[]) =>
    counts.flatMap((count, n) => [
      { labels: { consumer: `c${n}`, state: 'a' }, value: count },
      { labels: { consumer: `c${n}`, state: 'b' }, value: 1 },
    ]);

  it('are left as they are while they are few', () => {
    expect(bounded(samples(1, 2, 3), 'consumer', 3)).toEqual(samples(1, 2, 3));
  });

  it('that count least are told together, for each of the other labels, so that the sums stay', () => {
    const told = bounded(samples(5, 1, 9, 2), 'consumer', 2);
    expect(told.map(({ labels: { consumer, state }, value }) => `${consumer} ${state} ${value}`)).toEqual([
      'c0 a 5',
      'c0 b 1',
      'c2 a 9',
      'c2 b 1',
      'other a 3',
      'other b 2',
    ]);
  });
});
