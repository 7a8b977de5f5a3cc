import * as fc from 'fast-check';

/** Virtual times, in ms. */
export const ELECTION_TIMEOUT = 1_000;
export const HEARTBEAT = 300;
export const CONFIRM = 3_000;
/** A statement that has taken so long is answered as failed, whatever becomes of it. */
export const STATEMENT_TIMEOUT = 1_500;
/** The longest that a message, or a statement that is not lost, is under way. */
export const SLOWEST = 3_000;
/** For so long things go wrong; then everything is healed. */
export const TROUBLE = 18 * ELECTION_TIMEOUT;
/** Within this after healing a leader must be there that lasts. */
export const SETTLED_WITHIN = 15 * ELECTION_TIMEOUT;
/** For so long it must last; longer than anything from before the healing is under way. */
export const LASTING = 5 * ELECTION_TIMEOUT;

export const MOST_MEMBERS = 7;

/**
 * `fixed`: the same members for all, and all faults. `changing`: members join and leave, and see it at different times.
 * `returning`: a minority without the leader is cut off, paused, killed and comes back, while all else is well.
 */
export type Family = 'fixed' | 'changing' | 'returning';

export type FaultKind =
  /** Between those of `who` and the others nothing gets through. */
  | 'partition'
  /** What those of `who` send to the others is lost, but not what they are sent. */
  | 'mute'
  /** Those of `who` don't reach the database. */
  | 'no_database'
  /** Those of `who` stop, and go on later, with all that has come in meanwhile. */
  | 'pause'
  /** Those of `who` lose all that they knew, and start again later. */
  | 'crash'
  /** The same with the next of `who` that asks for a vote to be stored, or to lead, at that very moment. */
  | 'crash_writing'
  /** Whoever leads is told to have the first of them take over. */
  | 'transfer'
  /** Those of `who` give up leading. */
  | 'resign'
  /** Those of `who` leave the group, and join again later. */
  | 'leave'
  /** Those of `who` get messages, now and then, that no member has sent. */
  | 'forge'
  /** Those of `who` believe that all the others of them have left. */
  | 'blind';

/** A fault in the time of trouble. */
export interface Fault {
  readonly kind: FaultKind;
  /** In ms since trouble began. */
  readonly at: number;
  /** In ms; all faults end with the trouble. */
  readonly lasts: number;
  /** A set of members: bit 0 is the first. */
  readonly who: number;
  /** Whom it concerns: those of `who`, or whoever leads when it happens, if any does, or both. */
  readonly aim: 'who' | 'leader' | 'both';
}

/** How bad message transport and database are in the time of trouble: shares from 0 to 100. */
export interface Weather {
  readonly lost: number;
  readonly duplicated: number;
  /** Messages, and statements, that take up to {@link SLOWEST}. */
  readonly slow: number;
  /** Statements that fail, one half before they are applied, the other after. */
  readonly failing: number;
}

/** All that decides what happens in one simulated run. */
export interface Schedule {
  readonly family: Family;
  readonly members: number;
  /** Of clocks, delays, and the members' own time-outs. */
  readonly seed: number;
  readonly weather: Weather;
  readonly faults: readonly Fault[];
  /** So many members, but never a majority, are dead when all else is healed, and stay so. */
  readonly dead: number;
}

const weather: fc.Arbitrary<Weather> = fc.record({
  lost: fc.constantFrom(0, 0, 2, 10, 30),
  duplicated: fc.constantFrom(0, 0, 5, 20),
  slow: fc.constantFrom(0, 0, 2, 10, 30),
  failing: fc.constantFrom(0, 0, 5, 20),
});

const everywhere: FaultKind[] = ['partition', 'mute', 'no_database', 'pause', 'crash', 'forge'];
const kinds: Readonly<Record<Family, FaultKind[]>> = {
  fixed: [...everywhere, 'partition', 'crash', 'crash_writing', 'crash_writing', 'transfer', 'resign'],
  changing: [...everywhere, 'crash_writing', 'transfer', 'resign', 'leave', 'leave', 'blind', 'blind'],
  returning: everywhere,
};

const inFamily = (family: Family, sizes: number[]): fc.Arbitrary<Schedule> =>
  fc.record({
    family: fc.constant(family),
    members: fc.constantFrom(...sizes),
    seed: fc.nat(),
    weather,
    faults: fc.array(
      fc.record({
        kind: fc.constantFrom(...kinds[family]),
        at: fc.nat(TROUBLE - 1),
        lasts: fc.oneof(fc.nat(ELECTION_TIMEOUT), fc.nat(8 * ELECTION_TIMEOUT)),
        who: fc.integer({ min: 1, max: 2 ** MOST_MEMBERS - 1 }),
        aim: fc.constantFrom('who', 'leader', 'both'),
      }),
      { maxLength: 16, size: 'max' },
    ),
    dead: fc.constantFrom(0, 0, 1, 2, 3),
  });

/** Three of five are of a fixed membership, and groups of three, four and five are the most frequent. */
export const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  { weight: 3, arbitrary: inFamily('fixed', [3, 3, 3, 4, 5, 5, 1, 2, 6, 7]) },
  { weight: 1, arbitrary: inFamily('changing', [3, 3, 4, 5, 5, 1, 2, 6, 7]) },
  { weight: 1, arbitrary: inFamily('returning', [3, 3, 4, 5, 5, 6, 7]) },
);
