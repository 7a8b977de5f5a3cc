import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Broker, Publication } from 'agentmq/broker';
import { Contract, ContractViolationError, InvalidMessageError } from 'agentmq/protocol';
import { Metrics } from 'agentmq/telemetry';
import { IsInt } from 'class-validator';
import { Announcements } from './announcements.js';
import { Bound } from '../send/capacity/bound.js';
import { Composer } from '../send/composer.js';
import { MessageMetrics } from '../message-metrics.js';
import { Tracing } from '../tracing/tracing.js';

@Contract({ type: 'pulse' })
class Pulse {
  @IsInt()
  n!: number;
}

/** A broker that keeps what it is given, and confirms or refuses when told to. */
function announcing() {
  const status = { sends: true };
  const published: Publication[] = [];
  let waiting: { resolve(): void; reject(error: Error): void }[] = [];
  const broker = {
    status: () => status,
    publish: (publication: Publication) => {
      published.push(publication);
      return new Promise<void>((resolve, reject) => waiting.push({ resolve, reject }));
    },
  } as unknown as Broker;
  const now = (): Date => new Date();
  const never = (): boolean => false;
  const composer = new Composer({ agentId: 'a-1', defaultTtlMs: 1_000, maxMessageBytes: 1_000 }, now);
  const metrics = new MessageMetrics(new Metrics());
  const tracing = new Tracing({ record: () => Promise.resolve() }, metrics.hops, 'a-1', now, never);
  const announcements = new Announcements(broker, composer, new Bound(1_000, Infinity), metrics, now, tracing);
  const settle = async (how: (one: (typeof waiting)[number]) => void): Promise<void> => {
    for (const one of waiting.splice(0)) how(one);
    await new Promise(setImmediate);
  };
  return {
    status,
    published,
    announce: (count: number): void => {
      for (let n = 0; n < count; n++) announcements.announce('a.b', Pulse, { n }, { ttl: 5_000 });
    },
    announcements,
    settle,
  };
}

describe('an announcement', () => {
  beforeAll(() => Logger.overrideLogger(['error', 'warn']));

  it('is transient, for its topic, optional, and expires', () => {
    const { announce, published } = announcing();
    announce(1);
    expect(published).toMatchObject([
      {
        recipient: { kind: 'topic', name: 'a.b' },
        mandatory: false,
        persistent: false,
        properties: { type: 'pulse', headers: { 'agentmq-transient': true } },
      },
    ]);
    expect(published[0]?.properties.expiration).toBeGreaterThan(4_000);
  });

  it('is dropped by a broker that is not connected, or blocked, and not sent later', async () => {
    const { status, announce, published, settle } = announcing();
    status.sends = false;
    announce(3);
    status.sends = true;
    await settle(({ resolve }) => resolve());
    expect(published).toEqual([]);
    announce(1);
    expect(published).toHaveLength(1);
  });

  it('is dropped while 1,000 are not confirmed; confirmed or refused, they make room', async () => {
    const { announce, published, settle } = announcing();
    announce(1_500);
    expect(published).toHaveLength(1_000);
    await settle(({ resolve }) => resolve());
    announce(1_500);
    expect(published).toHaveLength(2_000);
    await settle(({ reject }) => reject(new Error('refused')));
    announce(1);
    expect(published).toHaveLength(2_001);
  });

  it('that breaks its contract, or has no topic or no time, is refused by the call, the broker away or not', () => {
    const { announcements, status, published } = announcing();
    for (const sends of [true, false]) {
      status.sends = sends;
      expect(() => announcements.announce('a', Pulse, { n: 0.5 }, { ttl: 1 })).toThrow(ContractViolationError);
      expect(() => announcements.announce('a.*', Pulse, { n: 1 }, { ttl: 1 })).toThrow(InvalidMessageError);
      expect(() => announcements.announce('a', Pulse, { n: 1 }, { ttl: 0 })).toThrow(InvalidMessageError);
    }
    expect(published).toEqual([]);
  });
});
