import type { ElectionRecord, GroupRecord } from 'agentmq/coordination';

interface Vote {
  readonly term: number;
  readonly votedFor: string;
}

export interface Leadership {
  readonly term: number;
  readonly leader: string;
  /** Which of the leader's lives it is. */
  readonly life: number;
}

/** A group's rows in Postgres, as the service's statements change them: each in one moment, one after the other. */
export class Database {
  private readonly votes = new Map<string, Vote>();
  leadership: Leadership | undefined;

  get term(): number {
    return this.leadership?.term ?? 0;
  }

  storeVote(voter: string, vote: Vote): { readonly ok: boolean; readonly latest: number } {
    const stored = this.votes.get(voter);
    const own = this.votes.get(vote.votedFor);
    const stands = voter === vote.votedFor || (own?.term === vote.term && own.votedFor === vote.votedFor);
    const isFree =
      !stored || stored.term < vote.term || (stored.term === vote.term && stored.votedFor === vote.votedFor);
    const ok = stands && isFree;
    if (ok) this.votes.set(voter, vote);
    return { ok, latest: ok ? vote.term : (stored?.term ?? 0) };
  }

  claim(claimed: Leadership): { readonly won: boolean; readonly latest: number } {
    const { leadership } = this;
    const own =
      claimed.term === leadership?.term && claimed.leader === leadership.leader && claimed.life === leadership.life;
    const won = own || this.term < claimed.term;
    if (won) this.leadership = claimed;
    // nobody needs them any more
    if (won) for (const [voter, { term }] of this.votes) if (term < claimed.term) this.votes.delete(voter);
    return { won, latest: this.term };
  }

  /** Whether a write that a leader makes in its term is committed. */
  fence(term: number): boolean {
    return term === this.term;
  }

  /** What is on record of the group. */
  get record(): GroupRecord {
    const terms = [...this.votes.values()].map(({ term }) => term);
    return { latest: this.term, leader: this.leadership?.leader, highest: Math.max(this.term, ...terms) };
  }

  /** What a member finds when it starts. */
  recordOf(member: string): ElectionRecord {
    const vote = this.votes.get(member);
    const term = Math.max(this.term, vote?.term ?? 0);
    return { term, votedFor: vote?.term === term ? vote.votedFor : undefined, group: this.record };
  }
}
