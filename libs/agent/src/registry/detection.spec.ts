import { describe, expect, it } from '@jest/globals';
import type { AgentRecord } from 'agentmq/message-store';
import * as fc from 'fast-check';
import { Clearness } from './clearness.js';
import { type RegistryEvent, RegistryView } from './registry-view.js';
import { registryTimes, type RegistryTimes } from './times.js';

const START = Date.UTC(2026, 0, 1);

/** Intervals from 1 s to an hour, and any longer time-out: all that the settings allow, in their kind. */
const settings = fc
  .tuple(fc.integer({ min: 1, max: 3_600 }), fc.double({ min: 1.001, max: 10, noNaN: true }))
  .map(([seconds, factor]) =>
    registryTimes({ heartbeatInterval: seconds * 1_000, agentTimeout: seconds * 1_000 * factor }),
  );

const record = (fields: Partial<AgentRecord> = {}): AgentRecord => ({
  id: 'a',
  role: 'worker',
  roles: ['worker'],
  capabilities: [],
  handles: [],
  instance: 'a-1',
  incarnation: 1,
  sequence: 0,
  load: 0,
  inFlight: 0,
  concurrency: 64,
  circuits: [],
  version: '1',
  paused: false,
  stopped: false,
  registeredAt: new Date(START),
  heartbeatAt: new Date(START),
  ...fields,
});

/** What a process does at each heartbeat of its own. */
class Reader {
  readonly events: (RegistryEvent & { readonly at: number })[] = [];
  readonly view: RegistryView;
  private readonly clearness: Clearness;

  constructor(times: RegistryTimes) {
    this.view = new RegistryView(times);
    this.clearness = new Clearness(times);
  }

  /** At `at` ms since the start by its own clock, which is the database's too unless that is `ahead`. */
  beat(at: number, succeeded: boolean, agents: readonly AgentRecord[], ahead = 0): void {
    const now = new Date(START + at + ahead);
    if (succeeded) this.clearness.succeeded(at, now);
    else this.clearness.failed();
    this.events.push(...this.view.read({ now, agents }, this.clearness.isClear(at)).map((event) => ({ ...event, at })));
  }

  get kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }
}

interface Beat {
  readonly at: number;
  readonly succeeded: boolean;
  readonly ahead: number;
}

/** Beats of a reader that is cut off, paused, or whose database's clock jumps, now and then. */
const troubled = (times: RegistryTimes): fc.Arbitrary<Beat[]> => {
  const step = fc.record({
    after: fc.oneof(
      { weight: 12, arbitrary: fc.double({ min: 0.5, max: 1, noNaN: true }) },
      fc.double({ min: 0, max: 8, noNaN: true }),
    ),
    succeeded: fc.oneof({ weight: 15, arbitrary: fc.constant(true) }, fc.constant(false)),
    jump: fc.oneof({ weight: 15, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 10 })),
  });
  return fc.array(step, { minLength: 1, maxLength: 60 }).map((steps) => {
    let [at, ahead] = [0, 0];
    return steps.map(({ after, succeeded, jump }) => {
      at += after * times.heartbeatInterval;
      ahead += jump * times.heartbeatInterval;
      return { at, succeeded, ahead };
    });
  });
};

/** Whether the beats up to the last of them were unbroken for the whole time that is needed. */
function wereUnbroken(beats: readonly Beat[], { longestGap, patience }: RegistryTimes): boolean {
  const last = beats.at(-1);
  for (let index = beats.length - 1; last && index >= 0; index--) {
    const [beat, next] = [beats[index], beats[index + 1]];
    if (!beat?.succeeded) return false;
    if (next && Math.max(next.at - beat.at, next.at + next.ahead - beat.at - beat.ahead) > longestGap) return false;
    if (last.at - beat.at >= patience) return true;
  }
  return false;
}

const withTimes = <T>(arbitrary: (times: RegistryTimes) => fc.Arbitrary<T>): fc.Arbitrary<[RegistryTimes, T]> =>
  settings.chain((times) => arbitrary(times).map((value): [RegistryTimes, T] => [times, value]));

describe('who is given up', () => {
  it('nobody, unless the reader was clear for the whole time that it takes', () => {
    let given = 0;
    fc.assert(
      fc.property(withTimes(troubled), ([times, beats]) => {
        const reader = new Reader(times);
        beats.forEach(({ at, succeeded, ahead }, index) => {
          const before = reader.events.length;
          reader.beat(at, succeeded, [record()], ahead);
          const declared = reader.kinds.slice(before).some((kind) => kind === 'suspect' || kind === 'dead');
          if (declared) {
            given++;
            expect(wereUnbroken(beats.slice(0, index + 1), times)).toBe(true);
          }
        });
      }),
      { numRuns: 2_000 },
    );
    expect(given).toBeGreaterThan(100);
  });

  it('nobody whose heartbeats keep coming', () => {
    const pauses = fc.array(fc.double({ min: 0.9, max: 1, noNaN: true }), { minLength: 80, maxLength: 80 });
    fc.assert(
      fc.property(
        withTimes((times) => fc.tuple(troubled(times), pauses)),
        ([times, [beats, intervals]]) => {
          const reader = new Reader(times);
          let [sequence, next] = [0, 0];
          let heartbeatAt = new Date(START);
          for (const { at, succeeded } of beats) {
            while (next <= at) {
              heartbeatAt = new Date(START + next);
              next += (intervals[sequence++ % intervals.length] ?? 1) * times.heartbeatInterval;
            }
            reader.beat(at, succeeded, [record({ sequence, heartbeatAt })]);
          }
          expect(reader.kinds).toEqual(['joined']);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('who is silent: suspect, then dead, in bounded time while the reader is clear, and recovered when it is heard again', () => {
    const pauses = fc.array(fc.double({ min: 0.9, max: 1, noNaN: true }), { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(
        withTimes(() => fc.tuple(pauses, fc.integer({ min: 0, max: 20 }))),
        ([times, [intervals, healthy]]) => {
          const { suspectAfter, deadAfter, patience, heartbeatInterval } = times;
          const reader = new Reader(times);
          let [at, silentFrom] = [0, 0];
          for (let n = 0; n < 60; n++) {
            if (n <= healthy) silentFrom = at;
            const heartbeatAt = new Date(START + silentFrom);
            reader.beat(at, true, [record({ sequence: Math.min(n, healthy), heartbeatAt })]);
            at += (intervals[n % intervals.length] ?? 1) * heartbeatInterval;
          }
          expect(reader.kinds).toEqual(['joined', 'suspect', 'dead']);
          const [, suspect, dead] = reader.events;
          expect(suspect?.at).toBeGreaterThanOrEqual(Math.floor(silentFrom + suspectAfter));
          expect(suspect?.at).toBeLessThanOrEqual(
            Math.max(silentFrom + suspectAfter, patience) + heartbeatInterval + 1,
          );
          expect(dead?.at).toBeGreaterThanOrEqual(Math.floor(silentFrom + deadAfter));
          expect(dead?.at).toBeLessThanOrEqual(Math.max(silentFrom + deadAfter, patience) + heartbeatInterval + 1);
          reader.beat(at, true, [record({ sequence: 99, heartbeatAt: new Date(START + at) })]);
          expect(reader.kinds).toEqual(['joined', 'suspect', 'dead', 'recovered']);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('who is seen for the first time after a long silence is suspect at once, and dead only to a reader that is clear', () => {
    const times = registryTimes({ heartbeatInterval: 1_000, agentTimeout: 3_000 });
    const reader = new Reader(times);
    const silent = record({ heartbeatAt: new Date(START - 60_000) });
    reader.beat(0, true, [silent]);
    expect(reader.view.get('a')?.health).toBe('suspect');
    for (let at = 1_000; at < times.patience; at += 1_000) reader.beat(at, true, [silent]);
    expect(reader.kinds).toEqual(['joined']);
    reader.beat(times.patience, true, [silent]);
    expect(reader.kinds).toEqual(['joined', 'dead']);
  });

  it.each<[string, (reader: Reader, at: number, silent: AgentRecord) => number]>([
    [
      'failed',
      (reader, at, silent) => {
        reader.beat(at + 1_000, false, [silent]);
        return at + 1_000;
      },
    ],
    ['was paused', (_, at) => at + 60_000],
  ])('a reader that %s leaves everybody as they were', (_, interrupt) => {
    const times = registryTimes({ heartbeatInterval: 1_000, agentTimeout: 3_000 });
    const reader = new Reader(times);
    let at = 0;
    for (; at < 10_000; at += 1_000) reader.beat(at, true, [record({ heartbeatAt: new Date(START + at) })]);
    const silent = record({ heartbeatAt: new Date(START + at) });
    at = interrupt(reader, at, silent);
    const end = at + times.patience;
    for (; at < end; at += 1_000) reader.beat(at, true, [silent]);
    expect(reader.kinds).toEqual(['joined']);
    for (const end = at + 2_000; at < end; at += 1_000) reader.beat(at, true, [silent]);
    expect(reader.kinds).toEqual(['joined', 'suspect', 'dead']);
  });
});
