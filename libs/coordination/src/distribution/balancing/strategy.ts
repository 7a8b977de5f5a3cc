/** An agent that could do the work. */
export interface Candidate {
  readonly id: string;
  readonly instance: string;
  readonly role: string;
  readonly capabilities: readonly string[];
  /** 0 idle to 1 full, as the registry last heard. */
  readonly load: number;
  /** The most that it handles at once. */
  readonly concurrency: number;
  /** Work that the caller has given it and not got back. */
  readonly inFlight: number;
}

/** What is to be done, as far as it matters for the choice. */
export interface Work {
  readonly capability?: string;
  /** The same key goes to the same agent, by `consistent-hash`. */
  readonly key?: string;
}

/** Chooses the agent for a piece of work. May remember what it chose; one instance serves one destination. */
export interface Strategy {
  /** One of the candidates. Their order means nothing. */
  choose(candidates: readonly [Candidate, ...Candidate[]], work: Work): Candidate;
}
