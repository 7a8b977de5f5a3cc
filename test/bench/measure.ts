import { payload, type Subject } from './contender.js';
import type { Tally } from './tally.js';

export interface Load {
  /** Messages sent in one measurement of throughput. */
  readonly messages: number;
  /** Sends not yet resolved. */
  readonly sending: number;
  /** Messages sent and not yet handled; so no queue grows long, however slow its consumer. */
  readonly unhandled: number;
}

export interface Throughput {
  /** Messages per second, from the first send until the last message is done with. */
  readonly rate: number;
  /** What one message cost this process, sender and receiver together, in µs of CPU time. */
  readonly cpu: number;
}

export async function throughput(subject: Subject, handled: Tally, load: Load): Promise<Throughput> {
  const before = handled.total;
  let next = 0;
  const send = async (): Promise<void> => {
    while (next < load.messages) {
      const n = next++;
      await handled.reached(before + n + 1 - load.unhandled);
      await subject.send(payload(n));
    }
  };
  const start = performance.now();
  const used = process.cpuUsage();
  await inParallel(load.sending, send);
  await handled.reached(before + load.messages);
  await subject.finish?.();
  const { user, system } = process.cpuUsage(used);
  return { rate: perSecond(load.messages, start), cpu: (user + system) / load.messages };
}

/** The median round trip of requests that are sent one after the other, in ms. */
export async function roundTrip(subject: Subject, requests: number): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < requests; n++) {
    const start = performance.now();
    await subject.request(payload(n));
    times.push(performance.now() - start);
  }
  return median(times);
}

/** Requests answered per second, `atOnce` of them waiting for their answers. */
export async function requestRate(subject: Subject, requests: number, atOnce: number): Promise<number> {
  let left = requests;
  const start = performance.now();
  await inParallel(atOnce, async () => {
    while (left-- > 0) await subject.request(payload(left));
  });
  return perSecond(requests, start);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

const perSecond = (count: number, start: number): number => (count * 1000) / (performance.now() - start);

const inParallel = (count: number, work: () => Promise<void>): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, work));
