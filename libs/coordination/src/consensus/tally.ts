import type { Choice, VotingResult, VotingRule, VotingTally } from './messages.js';

export interface Elector {
  readonly id: string;
  /** A whole number; 1 unless the rule is `weighted`. */
  readonly weight: number;
}

/** What is fixed when a vote begins. */
export interface VotingTerms {
  readonly rule: VotingRule;
  /** The least share of the electorate's weight that must have voted, abstentions included; more than half unless given. */
  readonly quorum?: number;
  readonly electorate: readonly Elector[];
}

/** How a vote stands. */
export interface Ballots {
  /** What was counted, by elector. */
  readonly counted: ReadonlyMap<string, Choice>;
  /** Electors that are not waited for. */
  readonly absent: ReadonlySet<string>;
}

/** Why a vote is not counted. */
export type Remark = 'double' | 'late' | 'not_an_elector';

/** Whether a vote is counted (undefined), or why not. `tooLate`: cast after the time was over, or the outcome is there. */
export function remarkOn(
  { electorate }: VotingTerms,
  { counted }: Ballots,
  { voter, tooLate }: { readonly voter: string; readonly tooLate: boolean },
): Remark | undefined {
  if (!electorate.some(({ id }) => id === voter)) return 'not_an_elector';
  if (counted.has(voter)) return 'double';
  return tooLate ? 'late' : undefined;
}

/** Sums up what was counted. Weights are whole numbers, so that their order does not matter. */
export function tallyOf({ electorate }: VotingTerms, counted: Ballots['counted']): VotingTally {
  const tally: VotingTally = { for: 0, against: 0, abstain: 0, silent: 0 };
  for (const { id, weight } of electorate) tally[counted.get(id) ?? 'silent'] += weight;
  return tally;
}

/**
 * The outcome, as soon as no further vote can change it; undefined until then. Electors may still vote that have neither voted
 * nor are absent; none may once the time is `over`.
 *
 * A further vote never undoes a quorum, one in favour never hurts a proposal, and one against never helps it. So of all
 * the ways in which it may go on, three tell what is possible: none votes any more, all vote for, all vote against.
 */
export function outcomeOf(terms: VotingTerms, { counted, absent }: Ballots, over: boolean): VotingResult | undefined {
  const { rule, electorate } = terms;
  const tally = tallyOf(terms, counted);
  const voted = tally.for + tally.against + tally.abstain;
  const total = voted + tally.silent;
  const open = over ? 0 : sum(electorate.filter(({ id }) => !counted.has(id) && !absent.has(id)));
  const mayMissQuorum = !isQuorum(voted, total, terms.quorum);
  const mayReachQuorum = isQuorum(voted + open, total, terms.quorum);
  const mayPass = mayReachQuorum && passes(rule, tally.for + open, tally.against);
  const mayFail = mayReachQuorum && !passes(rule, tally.for, tally.against + open);
  const possible: VotingResult[] = [
    ...(mayPass ? (['approved'] as const) : []),
    ...(mayFail ? (['rejected'] as const) : []),
    ...(mayMissQuorum ? (['no_quorum'] as const) : []),
  ];
  return possible.length === 1 ? possible[0] : undefined;
}

/** A quotient is rounded as the decimal fraction is that an author writes for it: 11 of 20 reach a quorum of 0.55. */
const isQuorum = (voted: number, total: number, quorum: number | undefined): boolean =>
  quorum === undefined ? voted > total / 2 : voted / total >= quorum;

/** Abstentions decide nothing. Without a vote in favour nothing passes. */
function passes(rule: VotingRule, inFavour: number, against: number): boolean {
  if (inFavour === 0) return false;
  if (rule === 'unanimous') return against === 0;
  return rule === 'two-thirds' ? inFavour >= 2 * against : inFavour > against;
}

const sum = (electors: readonly Elector[]): number => electors.reduce((total, { weight }) => total + weight, 0);
