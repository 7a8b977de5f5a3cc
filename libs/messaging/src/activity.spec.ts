import { describe, expect, it } from '@jest/globals';
import { Activity } from './activity.js';

describe('Activity', () => {
  it('begins with what is noted first, and ends some time after what was noted last', () => {
    let now = 0;
    let begun = 0;
    const activity = new Activity(() => now);
    activity.onBegin(() => begun++);
    expect(activity.isIdle).toBe(true);
    activity.note();
    now = 9_000;
    activity.note();
    now = 18_000;
    expect([activity.isIdle, begun]).toEqual([false, 1]);
    now = 19_000;
    expect(activity.isIdle).toBe(true);
    activity.note();
    expect([activity.isIdle, begun]).toEqual([false, 2]);
  });
});
