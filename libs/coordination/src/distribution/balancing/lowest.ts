import type { Candidate } from './strategy.js';

/** The agents whose measure is the lowest. */
export function lowest(
  candidates: readonly [Candidate, ...Candidate[]],
  measure: (candidate: Candidate) => number,
): [Candidate, ...Candidate[]] {
  const [first, ...others] = candidates;
  let least = measure(first);
  let found: [Candidate, ...Candidate[]] = [first];
  for (const candidate of others) {
    const measured = measure(candidate);
    if (measured === least) found.push(candidate);
    if (measured >= least) continue;
    least = measured;
    found = [candidate];
  }
  return found;
}
