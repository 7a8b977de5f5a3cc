import { describe, expect, it } from '@jest/globals';
import { CHOICES, type Choice, type VotingResult, VOTING_RULES } from './messages.js';
import fc from 'fast-check';
import { type Ballots, type Elector, outcomeOf, remarkOn, tallyOf, type VotingTerms } from './tally.js';

const electorate = (...weights: number[]): Elector[] => weights.map((weight, index) => ({ id: `e${index}`, weight }));
const three = electorate(1, 1, 1);
const ballots = (counted: Record<string, Choice>, ...absent: string[]): Ballots => ({
  counted: new Map(Object.entries(counted)),
  absent: new Set(absent),
});

describe('the outcome', () => {
  it.each<[VotingTerms['rule'], Record<string, Choice>, VotingResult]>([
    ['majority', { e0: 'for', e1: 'for', e2: 'against' }, 'approved'],
    ['majority', { e0: 'for', e1: 'against', e2: 'abstain' }, 'rejected'],
    ['majority', { e0: 'abstain', e1: 'abstain', e2: 'abstain' }, 'rejected'],
    ['two-thirds', { e0: 'for', e1: 'for', e2: 'against' }, 'approved'],
    ['two-thirds', { e0: 'for', e1: 'against', e2: 'against' }, 'rejected'],
    ['unanimous', { e0: 'for', e1: 'abstain', e2: 'abstain' }, 'approved'],
    ['unanimous', { e0: 'for', e1: 'for', e2: 'against' }, 'rejected'],
    ['majority', { e0: 'for' }, 'no_quorum'],
    ['majority', {}, 'no_quorum'],
  ])('by %s of %j is %s', (rule, counted, expected) => {
    expect(outcomeOf({ rule, electorate: three }, ballots(counted), true)).toBe(expected);
  });

  it('by weight may differ from that by heads', () => {
    const terms = { rule: 'weighted', electorate: electorate(5, 2, 2) } as const;
    expect(outcomeOf(terms, ballots({ e0: 'for', e1: 'against', e2: 'against' }), true)).toBe('approved');
  });

  it('reaches a quorum that is exactly met, as it is written in decimals', () => {
    const terms = { rule: 'majority', quorum: 0.55, electorate: electorate(...Array<number>(20).fill(1)) } as const;
    const inFavour = (count: number) =>
      ballots(Object.fromEntries(terms.electorate.slice(0, count).map(({ id }) => [id, 'for'])));
    expect(outcomeOf(terms, inFavour(10), true)).toBe('no_quorum');
    expect(outcomeOf(terms, inFavour(11), true)).toBe('approved');
  });

  it('waits for an absent elector no longer, but counts it as silent', () => {
    const terms = { rule: 'majority', electorate: three } as const;
    expect(outcomeOf(terms, ballots({ e0: 'for' }), false)).toBeUndefined();
    expect(outcomeOf(terms, ballots({ e0: 'for', e1: 'abstain' }, 'e2'), false)).toBe('approved');
    expect(outcomeOf(terms, ballots({ e0: 'for' }, 'e1', 'e2'), false)).toBe('no_quorum');
  });
});

const anyQuorum = fc.option(fc.constantFrom(0, 0.2, 0.25, 1 / 3, 0.5, 0.6, 2 / 3, 0.75, 1), { nil: undefined });

/** Terms of a small electorate, what each elector has done so far, and who is absent. */
const situation = fc
  .record({
    rule: fc.constantFrom(...VOTING_RULES),
    quorum: anyQuorum,
    electors: fc.array(
      fc.record({ weight: fc.nat({ max: 4 }), choice: fc.constantFrom(...CHOICES, undefined), absent: fc.boolean() }),
      { minLength: 1, maxLength: 5 },
    ),
  })
  .map(({ rule, quorum, electors }) => {
    const weights = electors.map(({ weight }, index) => (rule === 'weighted' ? weight + (index === 0 ? 1 : 0) : 1));
    const terms: VotingTerms = {
      rule,
      electorate: electorate(...weights),
      ...(quorum === undefined ? {} : { quorum }),
    };
    const counted = new Map(
      electors.flatMap(({ choice }, i): [string, Choice][] => (choice ? [[`e${i}`, choice]] : [])),
    );
    const absent = new Set(electors.flatMap(({ absent }, i) => (absent && !counted.has(`e${i}`) ? [`e${i}`] : [])));
    return { terms, state: { counted, absent } satisfies Ballots };
  });

/** What the rules mean, in whole numbers and without a thought to speed. */
function oracle({ rule, quorum, electorate: all }: VotingTerms, counted: ReadonlyMap<string, Choice>): VotingResult {
  const of = (choice: Choice | undefined) =>
    all.filter(({ id }) => counted.get(id) === choice).reduce((sum, { weight }) => sum + weight, 0);
  const [inFavour, against, silent] = [of('for'), of('against'), of(undefined)];
  const total = all.reduce((sum, { weight }) => sum + weight, 0);
  const voted = total - silent;
  if (quorum === undefined ? 2 * voted <= total : voted / total < quorum) return 'no_quorum';
  const decisive = inFavour + against;
  const passes = {
    majority: 2 * inFavour > decisive,
    weighted: 2 * inFavour > decisive,
    'two-thirds': inFavour > 0 && 3 * inFavour >= 2 * decisive,
    unanimous: inFavour > 0 && against === 0,
  };
  return passes[rule] ? 'approved' : 'rejected';
}

/** Every way in which it may still go on. */
function* completions(open: readonly string[], counted: ReadonlyMap<string, Choice>): Generator<Map<string, Choice>> {
  const [next, ...rest] = open;
  if (next === undefined) yield new Map(counted);
  else
    for (const choice of [...CHOICES, undefined]) {
      yield* completions(rest, choice ? new Map(counted).set(next, choice) : counted);
    }
}

describe('for any vote', () => {
  const runs = { numRuns: 700 };

  it('the outcome is there exactly when nothing that may still happen can change it', () => {
    fc.assert(
      fc.property(situation, ({ terms, state }) => {
        const open = terms.electorate
          .map(({ id }) => id)
          .filter((id) => !state.counted.has(id) && !state.absent.has(id));
        const possible = new Set([...completions(open, state.counted)].map((counted) => oracle(terms, counted)));
        expect(outcomeOf(terms, state, false)).toBe(possible.size === 1 ? [...possible][0] : undefined);
        expect(outcomeOf(terms, state, true)).toBe(oracle(terms, state.counted));
      }),
      runs,
    );
  });

  it('an outcome that is there is that of every vote that goes on', () => {
    fc.assert(
      fc.property(situation, fc.infiniteStream(fc.constantFrom(...CHOICES)), ({ terms, state }, choices) => {
        const early = outcomeOf(terms, state, false);
        const counted = new Map(state.counted);
        for (const { id } of terms.electorate) {
          const [choice] = choices.take(1);
          if (!counted.has(id) && !state.absent.has(id) && choice) counted.set(id, choice);
          expect([early, undefined]).toContain(early && outcomeOf(terms, { ...state, counted }, false));
        }
        if (early) expect(outcomeOf(terms, { ...state, counted }, true)).toBe(early);
      }),
      runs,
    );
  });

  it('an abstention more never turns approval into rejection', () => {
    fc.assert(
      fc.property(situation, fc.nat(), ({ terms, state }, pick) => {
        const silent = terms.electorate.filter(({ id }) => !state.counted.has(id));
        const abstainer = silent[pick % silent.length];
        fc.pre(abstainer !== undefined && outcomeOf(terms, state, true) === 'approved');
        const counted = new Map(state.counted).set(abstainer?.id ?? '', 'abstain');
        expect(outcomeOf(terms, { ...state, counted }, true)).toBe('approved');
      }),
      runs,
    );
  });

  it('the tally is the weight of all, each elector once', () => {
    fc.assert(
      fc.property(situation, ({ terms, state }) => {
        const tally = tallyOf(terms, state.counted);
        const total = terms.electorate.reduce((sum, { weight }) => sum + weight, 0);
        expect(tally.for + tally.against + tally.abstain + tally.silent).toBe(total);
      }),
      runs,
    );
  });
});

interface Sent {
  readonly id: number;
  readonly voter: string;
  readonly choice: Choice;
}

/** What a recorder has committed: the votes, which messages are completed, and the outcome, told once. */
interface Recorded {
  readonly votes: { readonly voter: string; readonly choice: Choice; readonly remark: string | undefined }[];
  readonly completed: Set<number>;
  readonly told: VotingResult[];
}

/** As the handlers do it: one transaction for a delivery, which a crash before its commit leaves no trace of. */
function deliver(terms: VotingTerms, recorded: Recorded, absent: ReadonlySet<string>, vote: Sent | 'close'): void {
  if (vote !== 'close' && recorded.completed.has(vote.id)) return;
  const before = new Map(recorded.votes.flatMap((v): [string, Choice][] => (v.remark ? [] : [[v.voter, v.choice]])));
  if (vote !== 'close') {
    const tooLate = recorded.told.length > 0;
    const remark = remarkOn(terms, { counted: before, absent }, { voter: vote.voter, tooLate });
    recorded.votes.push({ ...vote, remark });
    recorded.completed.add(vote.id);
    if (!remark) before.set(vote.voter, vote.choice);
  }
  const outcome = outcomeOf(terms, { counted: before, absent }, vote === 'close');
  if (recorded.told.length === 0 && outcome) recorded.told.push(outcome);
}

describe('however votes are delivered', () => {
  /** Each may be lost, come again, come in any order, or end in a crash before the commit, after which it comes again. */
  const delivery = fc.record({
    vote: fc.record({ elector: fc.nat({ max: 7 }), choice: fc.constantFrom(...CHOICES) }),
    copies: fc.nat({ max: 3 }),
    crashes: fc.nat({ max: 2 }),
    keys: fc.array(fc.nat(), { minLength: 5, maxLength: 5 }),
  });

  it('one outcome is told: that of the votes on record, each elector counted at most once', () => {
    fc.assert(
      fc.property(situation, fc.array(delivery, { maxLength: 12 }), ({ terms, state }, deliveries) => {
        const recorded: Recorded = { votes: [], completed: new Set(), told: [] };
        const sent = deliveries.map(({ vote: { elector, choice } }, id): Sent => ({
          id,
          voter: `e${elector}`,
          choice,
        }));
        const events = deliveries
          .flatMap(({ copies, crashes, keys }, id) =>
            Array.from({ length: copies === 0 ? 0 : copies + crashes }, (_, n) => ({
              id,
              crash: n < crashes,
              key: keys[n] ?? 0,
            })),
          )
          .sort((a, b) => a.key - b.key);
        for (const { id, crash } of events) {
          const vote = sent[id];
          // what a crash undoes was never seen by anybody
          if (vote && !crash) deliver(terms, recorded, state.absent, vote);
        }
        const early = [...recorded.told];
        deliver(terms, recorded, state.absent, 'close');
        deliver(terms, recorded, state.absent, 'close');

        expect(recorded.told).toHaveLength(1);
        if (early.length > 0) expect(recorded.told).toEqual(early);
        const counted = recorded.votes.filter(({ remark }) => !remark);
        expect(new Set(counted.map(({ voter }) => voter)).size).toBe(counted.length);
        expect(recorded.told).toEqual([oracle(terms, new Map(counted.map(({ voter, choice }) => [voter, choice])))]);
        const arrived = deliveries.filter(({ copies }) => copies > 0);
        expect(recorded.votes).toHaveLength(arrived.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it('the order of votes decides nothing, as long as each elector has one', () => {
    const shuffled = situation.chain(({ terms, state }) =>
      fc.record({
        terms: fc.constant(terms),
        orders: fc.tuple(
          ...[0, 1].map(() => fc.shuffledSubarray([...state.counted], { minLength: state.counted.size })),
        ),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ terms, orders }) => {
        const told = orders.map((order) => {
          const recorded: Recorded = { votes: [], completed: new Set(), told: [] };
          order.forEach(([voter, choice], id) => deliver(terms, recorded, new Set(), { id, voter, choice }));
          deliver(terms, recorded, new Set(), 'close');
          return recorded.told;
        });
        expect(told[0]).toEqual(told[1]);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a vote', () => {
  const terms = { rule: 'majority', electorate: three } as const;

  it.each([
    ['of an elector in time', { voter: 'e1', tooLate: false }, undefined],
    ['of an elector too late', { voter: 'e1', tooLate: true }, 'late'],
    ['of one who has voted', { voter: 'e0', tooLate: false }, 'double'],
    ['of one who has voted, too late', { voter: 'e0', tooLate: true }, 'double'],
    ['of a stranger', { voter: 'x', tooLate: false }, 'not_an_elector'],
    ['of an absent elector', { voter: 'e2', tooLate: false }, undefined],
  ])('%s', (_, vote, remark) => {
    expect(remarkOn(terms, ballots({ e0: 'against' }, 'e2'), vote)).toBe(remark);
  });
});
