import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { RequestTimeoutError } from 'agentmq/broker';
import { toAgent } from 'agentmq/protocol';
import * as fc from 'fast-check';
import { Circuit, type CircuitLimits, type CircuitState } from './circuit.js';
import { CircuitOpenError } from './errors.js';
import type { Verdict } from './verdict.js';

const START = new Date('2026-01-01T00:00:00Z');
const SLICES = 10;
const FAILED = new RequestTimeoutError(toAgent('a'), 1);

/** One call through a circuit, whose work settles when it is told to. */
class Call {
  isAdmitted = false;
  /** How it ended for whoever called. */
  ended: unknown;
  private readonly aborting = new AbortController();
  private settle: ((how: Verdict) => void) | undefined;

  constructor(circuit: Circuit, timeout?: number) {
    const work = () => {
      this.isAdmitted = true;
      return new Promise<string>((resolve, reject) => {
        this.settle = (how) => (how === 'well' ? resolve('answer') : reject(FAILED));
      });
    };
    circuit.run(work, { signal: this.aborting.signal, timeout }).then(
      (answer) => (this.ended = answer),
      (error: unknown) => (this.ended = error),
    );
  }

  /** `unknown`: the caller gives up, and the work fails of it. */
  end(how: Verdict): void {
    if (how === 'unknown') this.aborting.abort();
    this.settle?.(how);
  }

  abort(): void {
    this.aborting.abort();
  }
}

const turn = (ms = 0): Promise<void> => jest.advanceTimersByTimeAsync(ms);

/** What a circuit should do, said another way: it keeps every call, and looks at all of them each time. */
class Model {
  state: CircuitState = 'closed';
  private probe: object | undefined;
  private probeEnds = 0;
  private opensUntil = 0;
  private openings = 0;
  private counted: { readonly at: number; readonly failed: boolean }[] = [];
  private readonly sentAfter = new Map<object, number>();

  constructor(private readonly limits: CircuitLimits) {}

  get refuses(): boolean {
    return this.state === 'open' || this.probe !== undefined;
  }

  /** When something happens next of itself. */
  get next(): number {
    if (this.state === 'open') return this.opensUntil;
    return this.probe ? this.probeEnds : Infinity;
  }

  start(call: object, now: number, timeout = this.limits.probeTimeout): void {
    if (this.refuses) return;
    if (this.state === 'closed') this.sentAfter.set(call, this.openings);
    else {
      this.probe = call;
      this.probeEnds = now + timeout;
    }
  }

  reach(now: number): void {
    if (now < this.next) return;
    if (this.state === 'open') this.state = 'half_open';
    else this.open(now);
  }

  end(call: object, how: Verdict, now: number): void {
    if (this.probe === call) {
      this.probe = undefined;
      if (how === 'failing') this.open(now);
      if (how !== 'well') return;
      this.state = 'closed';
      this.counted = [];
    } else if (this.sentAfter.get(call) === this.openings && how !== 'unknown') {
      this.counted.push({ at: now, failed: how === 'failing' });
      if (how === 'failing' && this.failsTooOften(now)) this.open(now);
    }
    this.sentAfter.delete(call);
  }

  private failsTooOften(now: number): boolean {
    const { window, minimumVolume, failureRate } = this.limits;
    const slice = (at: number) => Math.floor(at / (window / SLICES));
    const lately = this.counted.filter(({ at }) => slice(at) > slice(now) - SLICES);
    const failed = lately.filter((one) => one.failed).length;
    return lately.length >= minimumVolume && failed > failureRate * lately.length;
  }

  private open(now: number): void {
    this.probe = undefined;
    this.state = 'open';
    this.openings++;
    this.opensUntil = now + this.limits.openTime;
  }
}

type Step =
  | { readonly kind: 'start'; readonly timeout?: number }
  | { readonly kind: 'end'; readonly pick: number; readonly how: Verdict }
  | { readonly kind: 'abort'; readonly pick: number }
  | { readonly kind: 'whole'; readonly how: Verdict; readonly times: number }
  | { readonly kind: 'pass'; readonly ms: number };

const limits: fc.Arbitrary<CircuitLimits> = fc.record({
  failureRate: fc.constantFrom(0, 0.25, 0.5, 0.9),
  window: fc.constantFrom(100, 1_000),
  minimumVolume: fc.integer({ min: 1, max: 8 }),
  openTime: fc.integer({ min: 1, max: 500 }),
  probeTimeout: fc.integer({ min: 1, max: 500 }),
});
const how = fc.constantFrom<Verdict>('well', 'failing', 'failing', 'unknown');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'start' as const }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 300 }).map((timeout) => ({ kind: 'start' as const, timeout })) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('end' as const), pick: fc.nat(), how }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), pick: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('whole' as const), how, times: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat({ max: 600 }) }) },
);
const schedules = fc.array(step, { maxLength: 60, size: 'max' });

/** A circuit, its model, and calls that are under way. */
class Scene {
  readonly model: Model;
  readonly circuit: Circuit;
  readonly changes: CircuitState[] = [];
  private readonly calls: Call[] = [];

  constructor(given: CircuitLimits) {
    this.model = new Model(given);
    this.circuit = new Circuit('a', 'a-1', given, () => this.changes.push(this.circuit.state));
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'pass') await this.pass(step.ms);
    else if (step.kind === 'whole') for (let n = 0; n < step.times; n++) await this.whole(step.how);
    else if (step.kind === 'start') await this.start(step.timeout);
    else if (this.calls.length > 0) {
      const [call] = this.calls.splice(step.pick % this.calls.length, 1) as [Call];
      await (step.kind === 'abort' ? this.hang(call) : this.end(call, step.how));
    }
    this.compare();
  }

  private async start(timeout?: number): Promise<Call> {
    const isRefused = this.model.refuses;
    const call = new Call(this.circuit, timeout);
    this.model.start(call, performance.now(), timeout);
    await turn();
    expect(call.isAdmitted).toBe(!isRefused);
    if (isRefused) expect(call.ended).toBeInstanceOf(CircuitOpenError);
    else this.calls.push(call);
    return call;
  }

  private async end(call: Call, as: Verdict): Promise<void> {
    call.end(as);
    this.model.end(call, as, performance.now());
    await turn();
    // Whatever the circuit makes of it, whoever called gets what the work came to.
    expect(call.ended).toBe(as === 'well' ? 'answer' : FAILED);
  }

  /** Its signal aborts, and the work never settles. */
  private async hang(call: Call): Promise<void> {
    call.abort();
    this.model.end(call, 'unknown', performance.now());
    await turn();
  }

  private async whole(as: Verdict): Promise<void> {
    const call = await this.start();
    if (!call.isAdmitted) return;
    this.calls.pop();
    await this.end(call, as);
  }

  private async pass(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      await turn(Math.min(end, this.model.next) - performance.now());
      this.model.reach(performance.now());
      this.compare();
    }
  }

  private compare(): void {
    expect(this.circuit.state).toBe(this.model.state);
    expect(this.circuit.refuses).toBe(this.model.refuses);
  }
}

describe('a circuit', () => {
  const given: CircuitLimits = {
    failureRate: 0.5,
    window: 10_000,
    minimumVolume: 4,
    openTime: 5_000,
    probeTimeout: 2_000,
  };
  let circuit: Circuit;

  beforeEach(() => {
    jest.useFakeTimers({ now: START });
    circuit = new Circuit('a', 'a-1', given);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const call = async (as: Verdict): Promise<Call> => {
    const made = new Call(circuit);
    await turn();
    made.end(as);
    await turn();
    return made;
  };
  const open = async (): Promise<void> => {
    for (let n = 0; n < given.minimumVolume; n++) await call('failing');
    expect(circuit.state).toBe('open');
  };
  const probing = async (): Promise<Call> => {
    await open();
    await turn(given.openTime);
    const probe = new Call(circuit);
    await turn();
    expect(probe.isAdmitted).toBe(true);
    return probe;
  };

  it('does what the rules say, whatever happens', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(limits, schedules, async (some, steps) => {
        jest.useFakeTimers({ now: START });
        const scene = new Scene(some);
        for (const one of steps) await scene.take(one);
        for (const state of scene.changes) seen.set(state, (seen.get(state) ?? 0) + 1);
      }),
      { numRuns: 300 },
    );
    for (const state of ['open', 'half_open', 'closed']) expect(seen.get(state)).toBeGreaterThan(30);
  });

  it('closes again once the agent is well, whatever was before', async () => {
    await fc.assert(
      fc.asyncProperty(limits, schedules, async (some, steps) => {
        jest.useFakeTimers({ now: START });
        const scene = new Scene(some);
        for (const one of steps) await scene.take(one);
        // A probe that never settles, then the wait that it costs.
        await turn(Math.max(some.probeTimeout, 300) + some.openTime);
        await scene.circuit.run(() => Promise.resolve());
        expect(scene.circuit.state).toBe('closed');
      }),
      { numRuns: 100 },
    );
  });

  it('says when it is going to try again, and of whom', async () => {
    await open();
    await turn(1_000);
    const { ended } = await call('well');
    expect(ended).toMatchObject({ code: 'CIRCUIT_OPEN', retryable: true, agentId: 'a' });
    expect((ended as CircuitOpenError).probeAt.toISOString()).toBe('2026-01-01T00:00:05.000Z');
    expect((ended as CircuitOpenError).message).toContain('a');
    expect(circuit.since).toEqual(START);
  });

  it('a probe that is given up still gives its caller the answer', async () => {
    const probe = await probing();
    await turn(given.probeTimeout);
    expect(circuit.state).toBe('open');
    expect(probe.ended).toBeUndefined();
    probe.end('well');
    await turn();
    expect(probe.ended).toBe('answer');
    expect(circuit.state).toBe('open');
  });

  it('a probe whose caller gives up is no success, and the next call is one', async () => {
    const probe = await probing();
    expect((await call('well')).isAdmitted).toBe(false);
    probe.abort();
    await turn();
    expect(circuit.state).toBe('half_open');
    expect((await call('well')).isAdmitted).toBe(true);
    expect(circuit.state).toBe('closed');
  });

  it('calls that were sent before it opened neither open it again nor close it', async () => {
    const late = [new Call(circuit), new Call(circuit)];
    const probe = await probing();
    late[0]?.end('failing');
    late[1]?.end('well');
    await turn();
    expect(circuit.state).toBe('half_open');
    expect(circuit.refuses).toBe(true);
    probe.end('well');
    await turn();
    expect(circuit.state).toBe('closed');
  });

  it('does not stay open when the computer is set to another time', async () => {
    await open();
    jest.setSystemTime(START.getTime() - 86_400_000);
    await turn(given.openTime);
    expect((await call('well')).isAdmitted).toBe(true);
    expect(circuit.state).toBe('closed');
  });

  it('forgets old failures, also when nothing was called since', async () => {
    for (let n = 0; n < given.minimumVolume - 1; n++) await call('failing');
    await turn(given.window);
    await call('failing');
    expect(circuit.state).toBe('closed');
  });

  it('work that throws at once has failed', async () => {
    const fails = () => {
      throw new Error('at once');
    };
    for (let n = 0; n < given.minimumVolume; n++) await expect(circuit.run(fails)).rejects.toThrow('at once');
    expect(circuit.state).toBe('open');
  });
});
