import { describe, expect, it } from '@jest/globals';
import { Bound } from './bound.js';

describe('Bound', () => {
  it('is full by number', () => {
    const bound = new Bound(2, 1_000);
    bound.enter(1);
    bound.enter(1);
    expect(bound.fits(1)).toBe(false);
    bound.leave(1);
    expect(bound.fits(1)).toBe(true);
  });

  it('is full by bytes', () => {
    const bound = new Bound(10, 100);
    bound.enter(60);
    expect(bound.fits(41)).toBe(false);
    expect(bound.fits(40)).toBe(true);
    bound.leave(60);
    expect(bound.fits(100)).toBe(true);
  });

  it('lets one thing in that is larger than all it may hold, but nothing beside it', () => {
    const bound = new Bound(10, 100);
    expect(bound.fits(500)).toBe(true);
    bound.enter(500);
    expect(bound.fits(0)).toBe(false);
  });

  it('tells when there is room, and when it is empty', async () => {
    const bound = new Bound(3, 1_000);
    const told: string[] = [];
    for (let n = 0; n < 3; n++) bound.enter(1);
    void bound.room(2).then(() => told.push('room'));
    void bound.empty().then(() => told.push('empty'));
    bound.leave(1);
    await Promise.resolve();
    expect(told).toEqual([]);
    bound.leave(1);
    await Promise.resolve();
    expect(told).toEqual(['room']);
    bound.leave(1);
    await bound.empty();
    expect(told).toEqual(['room', 'empty']);
  });
});
