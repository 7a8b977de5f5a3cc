import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RoleScaling, type ScalingDecision, type ScalingRule, type Starting } from './role-scaling.js';

const rule: ScalingRule = { min: 1, max: 5, targetBacklog: 10, coolDown: 60_000, startTimeout: 30_000 };

const rules = fc
  .record({
    least: fc.nat(4),
    more: fc.integer({ min: 1, max: 6 }),
    targetBacklog: fc.constantFrom(0.5, 1, 3, 10),
    coolDown: fc.constantFrom(0, 500, 5_000, 60_000),
    startTimeout: fc.constantFrom(1_000, 10_000),
  })
  .map(({ least, more, ...rest }): ScalingRule => ({ min: least, max: least + more, ...rest }));

/** What happens between two looks. */
interface Moment {
  readonly pause: number;
  readonly backlog: number;
  /** How many of those being started come to be there, at most; and how many of those there die. */
  readonly arrive: number;
  readonly die: number;
  /** Whether those asked to stop go. */
  readonly obey: boolean;
  readonly startsFail: boolean;
}

const moments = (calm: boolean) =>
  fc.array(
    fc.record({
      pause: fc.constantFrom(1, 100, 1_000, 20_000),
      backlog: fc.nat(120),
      arrive: fc.nat(4),
      die: calm ? fc.constant(0) : fc.constantFrom(0, 0, 0, 1, 2),
      obey: calm ? fc.constant(true) : fc.boolean(),
      startsFail: calm ? fc.constant(false) : fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  );

interface Step extends ScalingDecision {
  readonly at: number;
  readonly backlog: number;
  readonly there: number;
}

/** A role whose workers come, die and go as told; the decisions are carried out. */
class Role {
  readonly steps: Step[] = [];
  private now = 1_000;
  private count = 0;
  private starting: Starting[] = [];
  private workers: string[];

  constructor(
    private readonly scaling: RoleScaling,
    found: number,
  ) {
    this.workers = Array.from({ length: found }, () => `i${this.count++}`);
  }

  live({ pause, backlog, arrive, die, obey, startsFail }: Moment): Step {
    this.now += pause;
    for (const starting of startsFail ? this.starting.splice(0, 1) : []) this.scaling.failed(starting);
    for (const _ of this.starting.splice(0, arrive)) this.workers.push(`i${this.count++}`);
    this.workers.splice(0, die);
    if (obey) this.workers = this.workers.filter((instance) => !this.scaling.isStopping(instance));
    const there = this.workers.length;
    const decision = this.scaling.look(this.now, { backlog, workers: this.workers });
    for (let n = 0; n < decision.start; n++) this.starting.push(this.scaling.started(this.now));
    const stay = this.workers.filter((instance) => !this.scaling.isStopping(instance));
    for (const instance of stay.slice(0, decision.stop)) this.scaling.stopping(this.now, instance);
    const step = { ...decision, at: this.now, backlog, there };
    this.steps.push(step);
    return step;
  }
}

const calmly = (backlog: number): Moment => ({
  pause: 1_000,
  backlog,
  arrive: 4,
  die: 0,
  obey: true,
  startsFail: false,
});

describe('the scaling of a role', () => {
  it('wants from min to max, whatever happens', () => {
    fc.assert(
      fc.property(rules, fc.nat(15), moments(false), (given, found, story) => {
        const role = new Role(new RoleScaling(given), found);
        for (const moment of story) {
          const { desired, start, stop, staying, starting } = role.live(moment);
          expect(desired).toBeGreaterThanOrEqual(given.min);
          expect(desired).toBeLessThanOrEqual(given.max);
          expect(start * stop).toBe(0);
          if (start > 0) expect(staying + starting + start).toBeLessThanOrEqual(given.max);
          expect(staying - stop).toBeGreaterThanOrEqual(Math.min(given.min, staying));
        }
      }),
    );
  });

  it('grows at once to what the backlog warrants, those that are starting counted', () => {
    fc.assert(
      fc.property(rules, fc.nat(8), moments(false), (given, found, story) => {
        const role = new Role(new RoleScaling(given), found);
        for (const moment of story) {
          const { backlog, start, staying, starting } = role.live(moment);
          const warranted = Math.min(given.max, Math.max(given.min, Math.ceil(backlog / given.targetBacklog)));
          expect(start).toBe(Math.max(0, warranted - staying - starting));
        }
      }),
    );
  });

  it('stops nobody whom a backlog within the cool-down has warranted, and nobody until it has passed since it grew', () => {
    fc.assert(
      fc.property(rules, fc.nat(8), moments(false), (given, found, story) => {
        const role = new Role(new RoleScaling(given), found);
        for (const moment of story) {
          const { at, stop, staying } = role.live(moment);
          if (stop === 0) continue;
          const recent = role.steps.filter((step) => step.at > at - given.coolDown);
          const warranted = recent.map(({ backlog }) => Math.ceil(backlog / given.targetBacklog));
          expect(staying - stop).toBeGreaterThanOrEqual(Math.min(given.max, Math.max(...warranted, given.min)));
          // more than max may be stopped at any time
          if (staying - stop < given.max) {
            const [first, ...rest] = recent;
            if (first === role.steps[0] && given.coolDown > 0)
              throw new Error('shrank within a cool-down of its first look');
            const risen = rest.filter((step, n) => step.staying > (recent[n]?.staying ?? 0));
            for (const step of risen) expect(staying - stop).toBeGreaterThanOrEqual(Math.min(given.max, step.staying));
          }
        }
      }),
    );
  });

  it('never starts more than are warranted, however slowly they come in', () => {
    fc.assert(
      fc.property(rules, fc.nat(3), moments(true), (given, found, story) => {
        const role = new Role(new RoleScaling({ ...given, startTimeout: 1e9 }), found);
        let most = Math.max(found, given.min);
        for (const moment of story) {
          const { backlog, there } = role.live(moment);
          most = Math.max(most, Math.min(given.max, Math.ceil(backlog / given.targetBacklog)));
          expect(there).toBeLessThanOrEqual(most);
        }
      }),
    );
  });

  it('comes to rest under a constant backlog, and changes nothing from then on', () => {
    fc.assert(
      fc.property(rules, fc.nat(15), moments(false), fc.nat(120), (given, found, story, backlog) => {
        const role = new Role(new RoleScaling(given), found);
        for (const moment of story) role.live(moment);
        const rest = (given.coolDown + 2 * given.startTimeout) / 1_000 + 5;
        for (let n = 0; n < rest; n++) role.live(calmly(backlog));
        const warranted = Math.min(given.max, Math.max(given.min, Math.ceil(backlog / given.targetBacklog)));
        for (let n = 0; n < 2 * rest; n++) {
          expect(role.live(calmly(backlog))).toMatchObject({
            start: 0,
            stop: 0,
            starting: 0,
            there: warranted,
            desired: warranted,
          });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('begins at min when it finds nobody, and is back at min when the backlog is gone', () => {
    const role = new Role(new RoleScaling(rule), 0);
    expect(role.live(calmly(0))).toMatchObject({ start: 1, stop: 0 });
    expect(role.live(calmly(45))).toMatchObject({ there: 1, start: 4 });
    expect(role.live(calmly(45))).toMatchObject({ there: 5, start: 0, desired: 5 });
    for (let second = 0; second < 59; second++) expect(role.live(calmly(0))).toMatchObject({ there: 5, stop: 0 });
    expect(role.live(calmly(0))).toMatchObject({ stop: 4, desired: 1 });
    expect(role.live(calmly(0))).toMatchObject({ there: 1, stop: 0 });
  });

  it('starts another when one does not come in time, and not before', () => {
    const scaling = new RoleScaling(rule);
    expect(scaling.look(0, { backlog: 0, workers: [] })).toMatchObject({ start: 1, starting: 0 });
    scaling.started(0);
    expect(scaling.look(29_999, { backlog: 0, workers: [] })).toMatchObject({ start: 0, starting: 1 });
    expect(scaling.look(30_000, { backlog: 0, workers: [] })).toMatchObject({ start: 1, starting: 0 });
  });

  it('tells once who has not come in time, and whether it may be one of those that came', () => {
    const scaling = new RoleScaling(rule);
    scaling.look(0, { backlog: 0, workers: [] });
    const [first, second] = [scaling.started(0), scaling.started(0)];
    expect(scaling.look(30_000, { backlog: 0, workers: [] }).overdue).toEqual([
      { starting: first, certain: true },
      { starting: second, certain: true },
    ]);
    expect(scaling.look(30_001, { backlog: 0, workers: [] }).overdue).toEqual([]);
    scaling.started(40_000);
    const third = scaling.started(40_000);
    expect(scaling.look(50_000, { backlog: 0, workers: ['a'] })).toMatchObject({ arrived: true, overdue: [] });
    const fourth = scaling.started(60_000);
    expect(scaling.look(70_000, { backlog: 0, workers: ['a'] }).overdue).toEqual([{ starting: third, certain: false }]);
    expect(scaling.look(90_000, { backlog: 0, workers: ['a'] }).overdue).toEqual([{ starting: fourth, certain: true }]);
  });

  it('starts another at once when one has ended before it was there', () => {
    const scaling = new RoleScaling(rule);
    const starting = scaling.started(0);
    scaling.failed(starting);
    expect(scaling.look(1, { backlog: 0, workers: [] })).toMatchObject({ start: 1, starting: 0 });
  });

  it('counts one that does not stop when asked as there again when its time is over', () => {
    const scaling = new RoleScaling({ ...rule, coolDown: 0 });
    const workers = ['a', 'b'];
    expect(scaling.look(0, { backlog: 0, workers })).toMatchObject({ stop: 0, desired: 2 });
    expect(scaling.look(1, { backlog: 0, workers })).toMatchObject({ stop: 1 });
    scaling.stopping(1, 'a');
    expect(scaling.look(30_000, { backlog: 0, workers })).toMatchObject({ stop: 0, staying: 1 });
    expect(scaling.look(30_001, { backlog: 0, workers })).toMatchObject({ stop: 1, staying: 2 });
  });

  it('replaces one that died in the cool-down only if the backlog still warrants it', () => {
    const scaling = new RoleScaling(rule);
    scaling.look(0, { backlog: 45, workers: ['a', 'b', 'c', 'd', 'e'] });
    expect(scaling.look(1_000, { backlog: 5, workers: ['a', 'b', 'c', 'd'] })).toMatchObject({ start: 0, stop: 0 });
    expect(scaling.look(2_000, { backlog: 45, workers: ['a', 'b', 'c', 'd'] })).toMatchObject({ start: 1 });
  });
});
