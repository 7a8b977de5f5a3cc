import { describe, expect, it } from '@jest/globals';
import { FullRecipients } from './full-recipients.js';

function recipients(random = 1) {
  let now = 0;
  const full = new FullRecipients(
    () => now,
    () => random,
  );
  return { full, pass: (ms: number) => (now += ms) };
}

describe('FullRecipients', () => {
  it('leaves a full recipient alone for a moment, and others not at all', () => {
    const { full, pass } = recipients();
    full.refused('role.a');
    expect(full.recipients()).toEqual(['role.a']);
    expect(full.has('role.b')).toBe(false);
    expect(full.nextMs).toBe(1_000);
    pass(1_000);
    expect(full.recipients()).toEqual([]);
    expect(full.nextMs).toBeUndefined();
  });

  it('waits longer while it stays full, up to five seconds, and begins anew when it has taken something', () => {
    const { full, pass } = recipients();
    const pauses = [1, 2, 3, 4, 5].map(() => {
      const pause = full.refused('role.a');
      pass(pause);
      return pause;
    });
    expect(pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    full.accepted('role.a');
    expect(full.refused('role.a')).toBe(1_000);
  });

  it('counts what was under way together as one refusal, and believes none of its successes', () => {
    const { full, pass } = recipients();
    full.refused('role.a');
    pass(400);
    expect(full.refused('role.a')).toBe(600);
    full.accepted('role.a');
    expect(full.has('role.a')).toBe(true);
  });

  it('starts with a quarter of a second at least', () => {
    expect(recipients(0).full.refused('role.a')).toBe(250);
  });
});
