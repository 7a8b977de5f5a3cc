import { expect, it } from '@jest/globals';
import { Metrics } from 'agentmq/telemetry';
import { HandlerWatch } from './handler-watch.js';
import { MessageMetrics } from '../../message-metrics.js';

it('what waited for a handler leaves half of the outbox to what is being sent', async () => {
  let waiting = 120;
  let open = 30;
  const store = {
    outbox: { size: (atMost: number) => Promise.resolve(Math.min(atMost, open)) },
    unhandled: {
      waiting: () => Promise.resolve([]),
      rouse: (_consumers: unknown, _liveMs: number, limit: number) => {
        const roused = Math.min(limit, waiting);
        waiting -= roused;
        open += roused;
        return Promise.resolve(roused);
      },
    },
  };
  let woken = 0;
  const metrics = new MessageMetrics(new Metrics());
  const options = { liveMs: 1_000, outboxLimit: 100 };
  const watch = new HandlerWatch({ store, metrics, options, wakeRelay: () => woken++ }, () => ['role.a']);
  expect([await watch.rouse(), open, waiting, woken]).toEqual([true, 50, 100, 1]);
  open = 0;
  expect([await watch.rouse(), open, waiting]).toEqual([true, 50, 50]);
  open = 10;
  expect([await watch.rouse(), open, waiting]).toEqual([true, 50, 10]);
  open = 0;
  expect([await watch.rouse(), open, waiting]).toEqual([false, 10, 0]);
});
