import { describe, expect, it } from '@jest/globals';
import { Bound } from './bound.js';

describe('Bound', () => {
  it('is full by number', () => {
    const bound = new Bound(2, 1_000);
    const leave = bound.enter(1);
    bound.enter(1);
    expect(bound.fits(1)).toBe(false);
    leave();
    expect(bound.fits(1)).toBe(true);
  });

  it('is full by bytes', () => {
    const bound = new Bound(10, 100);
    const leave = bound.enter(60);
    expect(bound.fits(41)).toBe(false);
    expect(bound.fits(40)).toBe(true);
    leave();
    expect(bound.fits(100)).toBe(true);
  });

  it('lets one thing in that is larger than all it may hold, but nothing beside it', () => {
    const bound = new Bound(10, 100);
    expect(bound.fits(500)).toBe(true);
    bound.enter(500);
    expect(bound.fits(0)).toBe(false);
  });
});
