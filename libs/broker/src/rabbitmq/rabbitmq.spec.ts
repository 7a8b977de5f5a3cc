import { describe, expect, it } from '@jest/globals';
import { BrokerOptionsError } from '../errors.js';
import { splitPrefetch } from '../lanes.js';
import { backoff } from 'agentmq/time';

import { settingsOf } from './options.js';
import { topologyErrorOf } from './queues/refusals.js';

const refusal = (message: string, code: number): Error => Object.assign(new Error(message), { code });

describe('RabbitMQ options', () => {
  it('have defaults', () => {
    expect(settingsOf({ url: 'amqp://a' })).toMatchObject({
      urls: ['amqp://a'],
      namespace: 'agentmq',
      queueType: 'quorum',
      start: 'wait',
    });
  });

  it('are refused all together, without the passwords in them', () => {
    const options = {
      url: ['http://user:secret@a', 'no url'],
      namespace: 'a b',
      maxQueueSize: 0,
      heartbeatSeconds: 1.5,
    };
    const settings = () => settingsOf(options);
    expect(settings).toThrow(BrokerOptionsError);
    expect(settings).toThrow(
      /^url: number 1 .*; url: number 2 .*; namespace: .*; maxQueueSize: 0 .*; heartbeatSeconds: 1.5 /,
    );
    expect(settings).not.toThrow(/secret/);
    expect(() => settingsOf({ url: [] })).toThrow(/none is given/);
  });
});

describe('a refused declaration', () => {
  it('tells which argument of which queue differs, and how', () => {
    const text =
      `Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - inequivalent arg 'x-max-length' ` +
      `for queue 'n.role.w' in vhost '/': received the value '5' of type 'signedint' but current is none"`;
    const error = topologyErrorOf('n.role.w', refusal(text, 406));
    expect(error).toMatchObject({ queue: 'n.role.w', argument: 'x-max-length', retryable: false });
    expect(error?.message).toBe(
      `n.role.w: it exists with another x-max-length: received the value '5' of type 'signedint' but current is none`,
    );
  });

  it('is one as well when it is locked or not allowed, and is none when the connection was lost', () => {
    expect(topologyErrorOf('q', refusal('RESOURCE_LOCKED - cannot obtain exclusive access', 405))?.message).toMatch(
      /^q: RESOURCE_LOCKED/,
    );
    expect(topologyErrorOf('q', refusal('ACCESS_REFUSED - to queue', 403))).toBeDefined();
    expect(topologyErrorOf('q', refusal('CONNECTION_FORCED', 320))).toBeUndefined();
    expect(topologyErrorOf('q', new Error('channel closed'))).toBeUndefined();
  });
});

describe('the shares of a prefetch', () => {
  it('are at least 1 for each lane, and together no more than the prefetch from 2 on', () => {
    expect([1, 2, 5, 10, 500].map((prefetch) => splitPrefetch(prefetch))).toEqual([
      { high: 1, normal: 1 },
      { high: 1, normal: 1 },
      { high: 1, normal: 4 },
      { high: 2, normal: 8 },
      { high: 100, normal: 400 },
    ]);
  });
});

describe('backoff', () => {
  it('doubles up to its limit and is jittered downwards by at most a half', () => {
    for (const [failures, full] of [
      [0, 100],
      [1, 200],
      [5, 3_200],
      [10, 5_000],
      [1_000, 5_000],
    ] as const) {
      const delay = backoff(failures, 100, 5_000);
      expect(delay).toBeGreaterThanOrEqual(full / 2);
      expect(delay).toBeLessThanOrEqual(full);
    }
  });
});
