import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Recipient } from 'agentmq/protocol';
import { pause } from 'agentmq/time';
import { ConsumerList } from './consumer-list.js';

type Parts = ConstructorParameters<typeof ConsumerList>;

/** Of a role `z` with so many agents, and a broker that is asked by `waiting`. */
const listOf = (agents: number, waiting: (recipient: Recipient) => Promise<number>): ConsumerList => {
  const present = Array.from({ length: agents }, (_, n) => ({ id: `a-${n}`, roles: ['z'], health: 'healthy' }));
  const figures = { deliveries: [], oldestOwed: [], refusing: [] };
  return new ConsumerList(
    ...([
      { read: () => Promise.resolve(present) },
      { get: () => Promise.resolve(figures) },
      { pauses: () => Promise.resolve([]) },
      { list: () => Promise.resolve([]) },
      { waiting },
    ] as unknown as Parts),
  );
};

describe('depths of queues', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('are told as far as the broker has told them in time, those of roles first', async () => {
    const list = listOf(100, () => pause(500).then(() => 7));
    const page = list.list({ limit: 1_000 });
    await jest.advanceTimersByTimeAsync(2_100);
    const { items } = await page;
    const known = items.filter(({ queueDepth }) => queueDepth === 7).length;
    expect(items[0]).toMatchObject({ name: 'role.z', queueDepth: 7 });
    expect(known).toBeGreaterThan(20);
    expect(known).toBeLessThan(50);
    await jest.advanceTimersByTimeAsync(10_000);
    const all = (await list.list({ limit: 1_000 })).items;
    expect(all.filter(({ queueDepth }) => queueDepth === undefined)).toEqual([]);
  });

  it('are asked of a thousand consumers at most', async () => {
    const asked: string[] = [];
    const list = listOf(1_200, ({ name }) => {
      asked.push(name);
      return Promise.resolve(0);
    });
    await list.list({ limit: 1 });
    expect(asked).toHaveLength(1_000);
    expect(asked[0]).toBe('z');
  });
});
