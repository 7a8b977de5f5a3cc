import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { amqpUrl, databaseUrl, redisUrl } from '../../support/services.js';
import { percentile } from '../statistics.js';
import type { Payload, Receiving, Sending, Surroundings } from './contender.js';
import { contenderOf } from './contenders/index.js';
import type { HostOptions, HostReport, Latencies, Order } from './host-process.js';
import { type Load, now, requestRate, roundTrip, steady, stream } from './load.js';
import { Tally } from './tally.js';
import { withoutMetrics } from './without-metrics.js';

/**
 * The process that has one or both ends of a contender, and of nothing else, so that neither its CPU time nor its memory is
 * another's. Does what the process that forked it orders. The receiving end tells how many messages it has handled.
 */
const { contender, namespace, ends, prefetch, concurrency, handlerMs } = JSON.parse(
  process.argv[2] ?? '',
) as HostOptions;

const TELL_MS = 5;
const handled = new Tally();
let latencies: number[] = [];
let isTimed = false;

const surroundings: Surroundings = {
  namespace,
  servers: { amqp: amqpUrl(), database: databaseUrl(), redis: redisUrl() },
  prefetch,
  concurrency,
  handled: handlerMs > 0 ? slowly : take,
};
if (process.env['BENCH_METRICS'] === 'off') withoutMetrics();
const { receive, send } = await contenderOf(contender).ends();
const receiving: Receiving | undefined = ends === 'sender' ? undefined : await receive(surroundings);
const sending: Sending | undefined = ends === 'receiver' ? undefined : await send(surroundings);

const orders = {
  stream: (load: Load) => stream(sender(), handled, load),
  steady: (perSecond: number, ms: number) => steady(sender(), handled, perSecond, ms),
  roundTrip: (requests: number) => roundTrip(sender() as Required<Sending>, requests),
  requestRate: (requests: number, atOnce: number) => requestRate(sender() as Required<Sending>, requests, atOnce),
  canRequest: () => sender().request !== undefined,
  handledElsewhere: (count: number) => handled.add(count),
  timed(on: boolean): Latencies | undefined {
    const found = latencies;
    latencies = [];
    isTimed = on;
    if (on) return undefined;
    return {
      p50: percentile(found, 0.5),
      p99: percentile(found, 0.99),
      most: percentile(found, 1),
      count: found.length,
    };
  },
  finish: () => receiving?.finish?.(),
  check: (sent: number) => receiving?.check?.(sent),
  /** In µs. */
  cpu(): number {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  /** In MB, after garbage was collected. */
  residentMemory(): number {
    (globalThis as { gc?: () => void }).gc?.();
    return process.memoryUsage.rss() / 1024 / 1024;
  },
  closeSender: () => sending?.close(),
  closeReceiver: () => receiving?.close(),
};

process.on('message', ({ id, name, args }: Order) => {
  const order = orders[name as keyof typeof orders] as (...args: unknown[]) => unknown;
  void (async () => order(...args))().then(
    (result) => tell({ id, result }),
    (error: unknown) => tell({ id, error: String(error instanceof Error ? error.stack : error) }),
  );
});
// the process that gives orders is gone
process.on('disconnect', () => process.exit(1));
if (ends === 'receiver') setInterval(tellHandled, TELL_MS);
tell({ id: 0 });

function take(payload: Payload): void {
  if (isTimed) latencies.push(now() - Number.parseFloat(payload.text));
  handled.add();
}

async function slowly(payload: Payload): Promise<void> {
  await delay(handlerMs);
  take(payload);
}

function sender(): Sending {
  if (!sending) throw new TypeError('the sending end is elsewhere');
  return sending;
}

let told = 0;
function tellHandled(): void {
  if (handled.total === told) return;
  tell({ handled: handled.total - told });
  told = handled.total;
}

function tell(report: HostReport): void {
  if (process.connected) process.send?.(report);
}
