import { describe, expect, it } from '@jest/globals';
import { Entrance } from './entrance.js';

/** An entrance to `places`, and who has come in. */
function doorTo(places: number) {
  const entrance = new Entrance();
  const inside: string[] = [];
  const left = { places };
  const enter = (name: string, signal = new AbortController().signal): Promise<string | undefined> =>
    entrance.enter(async () => {
      if (left.places === 0) return undefined;
      left.places--;
      inside.push(name);
      return name;
    }, signal);
  const free = (): void => {
    left.places++;
    entrance.wake();
  };
  return { enter, free, inside };
}

describe('an entrance', () => {
  it('lets them in in the order in which they came', async () => {
    const { enter, free, inside } = doorTo(1);
    const all = ['a', 'b', 'c'].map((name) => enter(name));
    expect(await all[0]).toBe('a');
    free();
    expect(await all[1]).toBe('b');
    free();
    expect(await all[2]).toBe('c');
    expect(inside).toEqual(['a', 'b', 'c']);
  });

  it('passes over those who have given up, wherever they stood', async () => {
    const { enter, free, inside } = doorTo(0);
    const given = [new AbortController(), new AbortController()] as const;
    const first = enter('a', given[0].signal);
    const second = enter('b', given[1].signal);
    const third = enter('c');
    given[1].abort();
    expect(await second).toBeUndefined();
    given[0].abort();
    expect(await first).toBeUndefined();
    free();
    expect(await third).toBe('c');
    expect(inside).toEqual(['c']);
  });

  it('goes on after an attempt that failed', async () => {
    const entrance = new Entrance();
    const { signal } = new AbortController();
    const failing = entrance.enter(() => Promise.reject(new Error('no database')), signal);
    const next = entrance.enter(async () => 'in', signal);
    await expect(failing).rejects.toThrow('no database');
    expect(await next).toBe('in');
  });
});
