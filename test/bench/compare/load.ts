import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../statistics.js';
import { payload, type Sending } from './contender.js';
import type { Tally } from './tally.js';

export interface Load {
  readonly messages: number;
  /** Sends not yet resolved. */
  readonly sending: number;
  /** Messages sent and not yet handled; so no queue grows long, however slow its consumer. */
  readonly unhandled: number;
}

/** Sends as fast as the load allows; resolves when all are handled. */
export async function stream({ send }: Sending, handled: Tally, load: Load): Promise<void> {
  const before = handled.total;
  let next = 0;
  await inParallel(load.sending, async () => {
    while (next < load.messages) {
      const n = next++;
      await handled.reached(before + n + 1 - load.unhandled);
      await send(payload(n));
    }
  });
  await handled.reached(before + load.messages);
}

/** The median round trip of requests that are sent one after the other, in ms. */
export async function roundTrip({ request }: Required<Sending>, requests: number): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < requests; n++) {
    const start = performance.now();
    await request(payload(n));
    times.push(performance.now() - start);
  }
  return median(times);
}

/** Requests answered per second, `atOnce` of them waiting for their answers. */
export async function requestRate({ request }: Required<Sending>, requests: number, atOnce: number): Promise<number> {
  let left = requests;
  const start = performance.now();
  await inParallel(atOnce, async () => {
    while (left-- > 0) await request(payload(left));
  });
  return (requests * 1_000) / (performance.now() - start);
}

/**
 * Sends at a steady rate, whether or not what was sent before is done with, and resolves with how many when all are
 * handled. Each message carries when it was due, so a sender or a receiver that falls behind shows in its latency.
 */
export async function steady({ send }: Sending, handled: Tally, perSecond: number, ms: number): Promise<number> {
  const before = handled.total;
  const sends: Promise<unknown>[] = [];
  const start = now();
  for (let passed = 0; passed < ms; passed = now() - start) {
    for (let due = start + (sends.length * 1_000) / perSecond; due <= start + passed; due += 1_000 / perSecond)
      sends.push(send(payload(sends.length, due)));
    await delay(1);
  }
  await Promise.all(sends);
  await handled.reached(before + sends.length);
  return sends.length;
}

/** In ms, by the clock that all processes of the machine share. */
export const now = (): number => performance.timeOrigin + performance.now();

const inParallel = (count: number, work: () => Promise<void>): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, work));
