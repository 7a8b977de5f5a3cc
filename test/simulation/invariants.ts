import type { Database, Leadership } from './database.js';
import type { Member } from './member.js';
import { ELECTION_TIMEOUT, type Family } from './schedule.js';

export const INVARIANTS = {
  one_leader: 'at most one member is elected in a term',
  one_claim: 'with a fixed membership at most one member has the votes of a majority in a term',
  one_vote: 'no member gives its vote to two in one term, over crashes too',
  member_term: "no member's term goes back, over restarts too",
  record_term: "the group's term on record never goes back",
  fenced: 'no write of a leader is accepted once a later term is on record',
  one_writer: 'accepted writes have terms that never go back, and those of a term are of one leader',
  in_turn: 'a member is elected and deposed in turn',
  quorum: 'nobody leads who has heard nothing of a majority for an election time-out',
  returning: 'a minority that returns deposes no healthy leader',
  at_rest: 'time goes on: no member keeps itself busy without end',
  settled: 'after healing all that are up follow one leader within the bound, and it lasts',
} as const;

export type Invariant = keyof typeof INVARIANTS;

export class Violation extends Error {
  constructor(
    readonly invariant: Invariant,
    readonly details: string,
  ) {
    super(`${INVARIANTS[invariant]}: ${details}`);
  }
}

/** Watches a run from outside: what members say and do, and what the database accepts. Throws {@link Violation}. */
export class Invariants {
  /** While set, nobody else is to claim, and this one is not to be deposed. */
  healthyLeader: Member | undefined;
  private readonly electedIn = new Map<number, string>();
  private readonly claimedIn = new Map<number, string>();
  private readonly votes = new Map<string, string>();
  private readonly terms: number[];
  /** The term that each leads in; 0: it does not. */
  private readonly leading: number[];
  private readonly electedAt: number[];
  private readonly heard: number[][];
  private recordTerm = 0;
  private readonly writers = new Map<number, string>();
  private writtenTerm = 0;

  constructor(
    private readonly family: Family,
    private readonly database: Database,
    private readonly size: number,
  ) {
    const zeros = (): number[] => Array.from({ length: size }, () => 0);
    this.terms = zeros();
    this.leading = zeros();
    this.electedAt = zeros();
    this.heard = Array.from({ length: size }, zeros);
  }

  /** The member gives its vote, to itself or in an answer. */
  voted({ id }: Member, term: number, candidate: string): void {
    const key = `${id}${term}`;
    const before = this.votes.get(key);
    if (before === undefined) this.votes.set(key, candidate);
    else if (before !== candidate) throw new Violation('one_vote', `${id} in ${term}: ${before}, and ${candidate}`);
  }

  claimed(member: Member, term: number): void {
    this.voted(member, term, member.id);
    if (this.healthyLeader) throw new Violation('returning', `${member.id} claims term ${term}`);
    if (this.family === 'changing') return;
    const before = this.claimedIn.get(term);
    if (before !== undefined) throw new Violation('one_claim', `term ${term}: ${before}, and ${member.id}`);
    this.claimedIn.set(term, member.id);
  }

  elected({ id, index }: Member, term: number, now: number): void {
    const before = this.electedIn.get(term);
    if (before !== undefined) throw new Violation('one_leader', `term ${term}: ${before}, and ${id}`);
    this.electedIn.set(term, id);
    if (this.leading[index]) throw new Violation('in_turn', `${id} in ${this.leading[index]}, and again in ${term}`);
    this.leading[index] = term;
    this.electedAt[index] = now;
  }

  deposed(member: Member, term: number): void {
    const { id, index } = member;
    if (this.leading[index] !== term) throw new Violation('in_turn', `${id} in ${term}, having never been elected`);
    this.leading[index] = 0;
    if (member === this.healthyLeader) throw new Violation('returning', `${id} is deposed in ${term}`);
  }

  crashed({ index }: Member): void {
    this.leading[index] = 0;
  }

  heardFrom(listener: Member, speaker: Member, now: number): void {
    this.heard[listener.index]![speaker.index] = now;
  }

  /** After everything that a member does. */
  stepped(member: Member, now: number): void {
    const { id, index, machine } = member;
    if (!machine) return;
    const { term } = machine;
    if (term < this.terms[index]!) throw new Violation('member_term', `${id} from ${this.terms[index]} to ${term}`);
    this.terms[index] = term;
    if (machine.role === 'leader' && this.family !== 'changing') this.checkQuorum(member, now);
  }

  private checkQuorum({ id, index, rate }: Member, now: number): void {
    const oldest = now - (ELECTION_TIMEOUT + 2) / rate;
    if (this.electedAt[index]! >= oldest) return;
    const heard = this.heard[index]!;
    let count = 1;
    for (let other = 0; other < this.size; other++) if (other !== index && heard[other]! >= oldest) count++;
    if (2 * count <= this.size) throw new Violation('quorum', `${id} leads, but has heard of ${count - 1} only`);
  }

  /** After every statement. */
  recorded(): void {
    const { term } = this.database;
    if (term < this.recordTerm) throw new Violation('record_term', `from ${this.recordTerm} to ${term}`);
    this.recordTerm = term;
  }

  accepted({ term, leader, life }: Leadership): void {
    if (term < this.database.term) {
      throw new Violation('fenced', `${leader} wrote in ${term}, when ${this.database.term} was on record`);
    }
    const writer = `${leader}#${life}`;
    const before = this.writers.get(term);
    if (term < this.writtenTerm || (before !== undefined && before !== writer)) {
      throw new Violation('one_writer', `${writer} in ${term}, after ${before ?? `term ${this.writtenTerm}`}`);
    }
    this.writtenTerm = term;
    this.writers.set(term, writer);
  }
}
