import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type HopRecord } from 'agentmq/message-store';
import { StoreUnavailableError } from 'agentmq/database';
import { HopBuffer } from './hop-buffer.js';

const hop = (attempt: number): HopRecord => ({
  traceId: '1'.repeat(32),
  messageId: `m${attempt}`,
  side: 'received',
  agentId: 'a',
  consumer: 'role.a',
  attempt,
  beganAt: new Date(0),
  endedAt: new Date(0),
  outcome: 'completed',
});

function buffer(most?: number) {
  const written: HopRecord[][] = [];
  const state: { error?: Error; refused?: number } = {};
  const counted = { recorded: 0, dropped: 0 };
  const store = {
    record: (hops: readonly HopRecord[]): Promise<void> => {
      if (state.error) return Promise.reject(state.error);
      if (hops.some(({ attempt }) => attempt === state.refused)) return Promise.reject(new Error('refused'));
      written.push([...hops]);
      return Promise.resolve();
    },
  };
  const counts = {
    recorded: (count: number): void => void (counted.recorded += count),
    dropped: (count: number): void => void (counted.dropped += count),
  };
  return { hops: new HopBuffer(store, counts, most), written, state, counted };
}

describe('HopBuffer', () => {
  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });
  const add = (hops: HopBuffer, count: number): void => {
    for (let n = 1; n <= count; n++) hops.add(hop(n));
  };

  it('writes what came within a short time together, and a full batch at once', async () => {
    const { hops, written } = buffer();
    add(hops, 3);
    expect(written).toEqual([]);
    await jest.advanceTimersByTimeAsync(300);
    expect(written.map(({ length }) => length)).toEqual([3]);
    add(hops, 1_200);
    await jest.advanceTimersByTimeAsync(0);
    expect(written.map(({ length }) => length)).toEqual([3, 500, 500, 200]);
  });

  it('drops a hop that the store refuses, and writes all others, each once', async () => {
    const { hops, written, state, counted } = buffer();
    state.refused = 400;
    add(hops, 500);
    await jest.advanceTimersByTimeAsync(0);
    const attempts = written.flat().map(({ attempt }) => attempt);
    expect(attempts).toEqual(Array.from({ length: 500 }, (_, index) => index + 1).filter((n) => n !== 400));
    expect(counted).toEqual({ recorded: 499, dropped: 1 });
  });

  it('holds so many while the store is away, drops and counts what is beyond, and writes when it is back', async () => {
    const { hops, written, state, counted } = buffer(1_000);
    state.error = new StoreUnavailableError('away');
    add(hops, 1_500);
    await jest.advanceTimersByTimeAsync(5_000);
    expect({ written, ...counted }).toEqual({ written: [], recorded: 0, dropped: 500 });
    delete state.error;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(counted).toEqual({ recorded: 1_000, dropped: 500 });
    expect(written.flat().map(({ attempt }) => attempt)).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 1));
  });

  it('drops a batch that the store refuses, and goes on', async () => {
    const { hops, written, state, counted } = buffer();
    state.error = new Error('refused');
    add(hops, 2);
    await jest.advanceTimersByTimeAsync(300);
    delete state.error;
    add(hops, 1);
    await jest.advanceTimersByTimeAsync(300);
    expect({ written: written.flat().length, ...counted }).toEqual({ written: 1, recorded: 1, dropped: 2 });
  });

  it('writes what waits when it stops, and drops what the store does not take then', async () => {
    const first = buffer();
    add(first.hops, 7);
    await first.hops.stop(1_000);
    expect(first.counted).toEqual({ recorded: 7, dropped: 0 });
    const second = buffer();
    second.state.error = new StoreUnavailableError('away');
    add(second.hops, 7);
    await second.hops.stop(1_000);
    expect(second.counted).toEqual({ recorded: 0, dropped: 7 });
  });
});
