import type {
  DeposedReason,
  ElectionAction,
  ElectionEvent,
  MachineMessage,
  ElectionRecord,
  GroupRecord,
} from './protocol.js';

export interface ElectionOptions {
  /** This member. */
  readonly id: string;
  /** The least time without a leader before this member stands, in ms; drawn anew each time, up to twice as long. */
  readonly electionTimeoutMs: number;
  /** How often a leader says so, and unanswered requests are repeated, in ms. */
  readonly heartbeatMs: number;
  /** How often a leader looks whether its term is still the one on record, in ms. */
  readonly confirmMs: number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export type ElectionRole = 'follower' | 'pre_candidate' | 'candidate' | 'claiming' | 'leader';

/** A vote that is being made durable, and what it is for. */
interface Writing {
  readonly term: number;
  readonly votedFor: string;
  /** Standing on the word of the leader. */
  readonly transfer: boolean;
}

/** An "I lead" that the record has not confirmed. */
interface Claim {
  readonly from: string;
  readonly term: number;
  readonly at: number;
}

/**
 * One member's part in the election of its group's leader: given events, returns what is to be done. It touches neither
 * clock, network nor database, so that a simulator can drive it as the service does. `now` is any clock in ms, from 0 on,
 * that does not go back.
 *
 * After Raft: D. Ongaro and J. Ousterhout, "In Search of an Understandable Consensus Algorithm (Extended Version)", 2014,
 * section 5.2 (terms, randomised time-outs, one vote a term, durable before it is answered); D. Ongaro, "Consensus: Bridging
 * Theory and Practice", 2014, sections 3.10 (transfer), 4.2.3 (a member that hears its leader grants no vote), 6.2 (a
 * leader without a majority steps down) and 9.6 (pre-vote). docs/inside/election.md says what is different here: there is no
 * log, members come and go with the registry, a candidate with a majority leads only once the group's term on record is its
 * own, and a later term that a message tells of is only a reason to look at the record: terms come from there alone.
 */
export class ElectionMachine {
  /** The latest term that this member voted in or followed a leader of. */
  private current: number;
  private votedFor: string | undefined;
  private state: ElectionRole = 'follower';
  /** The highest term that was on record: the next to stand in is above it. */
  private highest: number;
  /** The leadership on record, as it was last read. */
  private recorded: Pick<GroupRecord, 'latest' | 'leader'>;
  private unconfirmed: Claim | undefined;
  /** Whether the database did not answer when the record was last looked at. */
  private unread = false;
  /** Whether a message told this leader of a later term. */
  private contradicted = false;
  private lookedAt = -Infinity;
  private members: ReadonlySet<string>;
  private leader: string | undefined;
  private leaderTerm = 0;
  private heardLeaderAt = -Infinity;
  private writing: Writing | undefined;
  private transferring = false;
  private supporters = new Set<string>();
  /** When the last message that a member answered was sent, by this leader's clock. */
  private readonly answered = new Map<string, number>();
  /** When the messages were sent that a majority has answered. */
  private majorityAnsweredAt = -Infinity;
  /** When to stand, or to try again. */
  private deadline: number;
  /** When to say again that this one leads, or to repeat requests. */
  private sendAt = Infinity;
  private confirmAt = Infinity;
  private actions: ElectionAction[] = [];

  constructor(
    private readonly options: ElectionOptions,
    record: ElectionRecord,
    now: number,
  ) {
    this.current = record.term;
    this.highest = Math.max(record.term, record.group?.highest ?? 0);
    this.recorded = record.group ?? { latest: 0, leader: undefined };
    this.votedFor = record.votedFor;
    this.members = new Set([options.id]);
    this.deadline = now + this.drawTimeout();
  }

  get role(): ElectionRole {
    return this.state;
  }

  get term(): number {
    return this.current;
  }

  /** The leader in `term`, as far as this member knows. */
  get leaderId(): string | undefined {
    return this.leader;
  }

  /** What says that it leads, while the database does not answer: it binds this member, which can't vote now, to nothing. */
  get hearsay(): { readonly from: string; readonly term: number } | undefined {
    return this.unread && this.state !== 'leader' && this.leader === undefined ? this.unconfirmed : undefined;
  }

  /** When the next `tick` is due. */
  get wakeAt(): number {
    if (this.state !== 'leader') return Math.min(this.deadline, this.sendAt);
    return Math.min(this.sendAt, this.confirmAt, this.majorityAnsweredAt + this.options.electionTimeoutMs + 1);
  }

  /** Whether this one leads, and a majority has answered it lately. */
  isLeading(now: number): boolean {
    return this.state === 'leader' && this.hasMajority(now);
  }

  step(now: number, event: ElectionEvent): ElectionAction[] {
    this.actions = [];
    // A leader that was paused learns of it before anything else.
    if (this.state === 'leader' && !this.hasMajority(now)) this.stepDown(now, 'no_majority');
    this.apply(now, event);
    return this.actions;
  }

  private apply(now: number, event: ElectionEvent): void {
    switch (event.type) {
      case 'tick':
        return this.onTick(now);
      case 'received':
        return this.onMessage(now, event.from, event.message);
      case 'members':
        return this.onMembers(now, event.members);
      case 'stored':
        return this.onStored(now, event);
      case 'claimed':
        return this.onClaimed(now, event);
      case 'confirmed':
        return this.onConfirmed(now, event);
      case 'unread':
        this.unread = true;
        return;
      case 'resign':
        return this.resign(now);
      case 'transfer':
        if (this.state === 'leader' && event.to !== this.options.id)
          this.send(event.to, { kind: 'time_out_now', term: this.current });
    }
  }

  // -- time

  private onTick(now: number): void {
    if (this.state === 'leader') {
      if (now >= this.sendAt) this.remindMembers(now);
      if (now >= this.confirmAt) this.lookAtRecord(now);
    } else if (now >= this.deadline) {
      this.askBeforeStanding(now);
    } else if (now >= this.sendAt) {
      this.repeatRequests(now);
    }
  }

  private drawTimeout(): number {
    return this.options.electionTimeoutMs * (1 + this.options.random());
  }

  private hearsLeader(now: number): boolean {
    return this.state === 'leader' || now - this.heardLeaderAt < this.options.electionTimeoutMs;
  }

  // -- standing

  /** Pre-vote: a member that was away, and would not win, deposes no leader by trying. */
  private askBeforeStanding(now: number): void {
    this.becomeFollower(now);
    this.setLeader(undefined);
    this.unconfirmed = undefined;
    this.state = 'pre_candidate';
    this.supporters = new Set([this.options.id]);
    if (this.isMajority(this.supporters)) return this.stand(now, false);
    this.repeatRequests(now);
  }

  private stand(now: number, transfer: boolean): void {
    if (this.writing) return;
    this.deadline = now + this.drawTimeout();
    this.store({ term: this.highest + 1, votedFor: this.options.id, transfer });
  }

  /** Requests and answers get lost: a member that has not answered is asked again. */
  private repeatRequests(now: number): void {
    const request: MachineMessage | undefined =
      this.state === 'pre_candidate'
        ? { kind: 'pre_vote_request', term: this.highest + 1 }
        : this.state === 'candidate'
          ? { kind: 'vote_request', term: this.current, transfer: this.transferring }
          : undefined;
    this.sendAt = request ? now + this.options.heartbeatMs : Infinity;
    if (!request) return;
    for (const member of this.members) if (!this.supporters.has(member)) this.send(member, request);
  }

  private onStored(now: number, { term, ok, latest = 0 }: Extract<ElectionEvent, { type: 'stored' }>): void {
    const written = this.writing;
    if (written?.term !== term) return;
    this.writing = undefined;
    this.highest = Math.max(this.highest, latest);
    // A leader of that term, or of a later one, has been heard meanwhile: the vote is of no use any more.
    if (!ok || term <= this.current) return;
    const { votedFor, transfer } = written;
    if (this.state === 'leader') this.stepDown(now, 'higher_term');
    this.current = term;
    this.highest = Math.max(this.highest, term);
    this.votedFor = votedFor;
    this.becomeFollower(now);
    this.setLeader(undefined);
    if (votedFor !== this.options.id) return this.send(votedFor, { kind: 'vote_answer', term, granted: true });
    this.state = 'candidate';
    this.transferring = transfer;
    this.supporters = new Set([this.options.id]);
    this.repeatRequests(now);
    this.claimIfElected();
  }

  private claimIfElected(): void {
    if (this.state !== 'candidate' || !this.isMajority(this.supporters)) return;
    this.state = 'claiming';
    this.sendAt = Infinity;
    this.actions.push({ type: 'claim', term: this.current });
  }

  private onClaimed(now: number, { term, outcome, latest = 0 }: Extract<ElectionEvent, { type: 'claimed' }>): void {
    this.highest = Math.max(this.highest, latest);
    if (this.state !== 'claiming' || term !== this.current) return;
    if (outcome !== 'won') return this.becomeFollower(now);
    this.state = 'leader';
    this.recorded = { latest: term, leader: this.options.id };
    this.contradicted = false;
    this.answered.clear();
    for (const member of this.members) this.answered.set(member, now);
    this.countAnswers();
    this.confirmAt = now + this.options.confirmMs;
    this.actions.push({ type: 'elected', term });
    this.setLeader(this.options.id);
    this.sayLeading(now);
  }

  // -- messages

  private onMessage(now: number, from: string, message: MachineMessage): void {
    if (from === this.options.id) return;
    switch (message.kind) {
      case 'pre_vote_request':
        return this.onPreVoteRequest(now, from, message.term);
      case 'vote_request':
        return this.onVoteRequest(now, from, message.term, message.transfer);
      case 'pre_vote_answer':
        return this.onAnswer(now, from, message, this.state === 'pre_candidate' ? this.highest + 1 : undefined);
      case 'vote_answer':
        return this.onAnswer(now, from, message, this.state === 'candidate' ? this.current : undefined);
      case 'leading':
        return this.onLeading(now, from, message.term, message.round);
      case 'following':
        return this.onFollowing(now, from, message.term, message.round);
      case 'time_out_now':
        if (message.term === this.current && from === this.leader && this.state === 'follower') this.stand(now, true);
    }
  }

  private onPreVoteRequest(now: number, from: string, term: number): void {
    if (term <= this.current) this.send(from, { kind: 'pre_vote_answer', term: this.current, granted: false });
    else if (!this.hearsLeader(now)) this.send(from, { kind: 'pre_vote_answer', term, granted: true });
  }

  private onVoteRequest(now: number, from: string, term: number, transfer: boolean): void {
    if (term < this.current || (term === this.current && this.votedFor !== from)) {
      this.send(from, { kind: 'vote_answer', term: this.current, granted: false });
    } else if (term === this.current) {
      this.send(from, { kind: 'vote_answer', term, granted: true });
    } else if (!this.writing && (transfer || !this.hearsLeader(now))) {
      this.store({ term, votedFor: from, transfer: false });
    }
  }

  private onAnswer(
    now: number,
    from: string,
    { term, granted }: { readonly term: number; readonly granted: boolean },
    asked: number | undefined,
  ): void {
    if (!granted) {
      // A vote that went to another in the same term leaves the others' to be had.
      if (asked !== undefined && (term > asked || (term === asked && this.state === 'pre_candidate')))
        this.heardOf(now);
      return;
    }
    if (term !== asked) return;
    this.supporters.add(from);
    if (this.state === 'candidate') this.claimIfElected();
    else if (this.isMajority(this.supporters)) this.stand(now, false);
  }

  private onLeading(now: number, from: string, term: number, round: number): void {
    if (this.state === 'leader' && term === this.current) return;
    // A round of an earlier term may be by the clock of an earlier process: it must not count for this term.
    if (term < this.current) return this.send(from, { kind: 'following', term: this.current, round: 0 });
    // The answer binds this member to nothing: it is given whether or not the record can be read now.
    this.send(from, { kind: 'following', term, round });
    if (this.recorded.latest === term && this.recorded.leader === from)
      return this.follow(now, { from, term, at: now });
    this.unconfirmed = { from, term, at: now };
    this.heardOf(now);
    if (!this.unread || (this.state !== 'follower' && this.state !== 'pre_candidate')) return;
    this.heardLeaderAt = now;
    this.becomeFollower(now);
  }

  /** Its leadership is on record, so following it needs no vote of this member's to be durable. */
  private follow(now: number, { from, term, at }: Claim): void {
    if (this.state === 'leader') this.stepDown(now, 'higher_term');
    if (term > this.current) this.votedFor = undefined;
    this.current = term;
    this.highest = Math.max(this.highest, term);
    this.heardLeaderAt = at;
    this.becomeFollower(now);
    this.setLeader(from);
  }

  private onFollowing(now: number, from: string, term: number, round: number): void {
    if (this.state !== 'leader') return;
    if (term > this.current) {
      this.contradicted = true;
      this.heardOf(now);
    } else if (term === this.current && round <= now && this.members.has(from)) {
      this.answered.set(from, Math.max(round, this.answered.get(from) ?? -Infinity));
      this.countAnswers();
    }
  }

  // -- the record

  /** A message told of a term that this member does not know: whether there is such a term, the record says. */
  private heardOf(now: number): void {
    if (now - this.lookedAt >= this.options.heartbeatMs) this.lookAtRecord(now);
  }

  private lookAtRecord(now: number): void {
    this.lookedAt = now;
    if (this.state === 'leader') this.confirmAt = now + this.options.confirmMs;
    this.actions.push({ type: 'confirm', term: this.current });
  }

  private onConfirmed(now: number, event: Extract<ElectionEvent, { type: 'confirmed' }>): void {
    const { latest, leader, highest = latest, asked } = event;
    const { contradicted } = this;
    const isOutbid =
      (this.state === 'pre_candidate' && highest > this.highest) ||
      (this.state === 'candidate' && highest > this.current);
    this.contradicted = false;
    this.unread = false;
    if (leader !== undefined) this.recorded = { latest, leader };
    this.highest = Math.max(this.highest, latest, highest);
    if (this.state === 'leader') {
      if (latest !== this.current || (leader !== undefined && leader !== this.options.id))
        this.stepDown(now, 'superseded');
      else if (contradicted && highest > this.current) this.stepDown(now, 'higher_term');
    } else if (isOutbid) this.becomeFollower(now);
    if (asked === this.current && highest < this.current) this.forgetTerm(now, highest);
    const heard = this.unconfirmed;
    if (!heard || heard.term !== latest || heard.from !== leader || heard.term < this.current) return;
    this.unconfirmed = undefined;
    this.follow(now, heard);
  }

  /** What this member knew before it looked is on record no more: the database was restored, or rows were deleted. */
  private forgetTerm(now: number, highest: number): void {
    this.becomeFollower(now);
    this.current = highest;
    this.votedFor = undefined;
    this.setLeader(undefined);
  }

  // -- leading

  /** A leader without other members has said so when it was elected; a member that comes is told at once. */
  private remindMembers(now: number): void {
    if (this.members.size > 1) this.sayLeading(now);
    else this.sendAt = now + this.options.heartbeatMs;
  }

  private sayLeading(now: number): void {
    this.sendAt = now + this.options.heartbeatMs;
    this.send(undefined, { kind: 'leading', term: this.current, round: now });
  }

  /** Gives the leadership up, and has the member that answered last stand without waiting. */
  private resign(now: number): void {
    if (this.state !== 'leader') return;
    const [heir] = [...this.members]
      .filter((member) => member !== this.options.id)
      .sort((a, b) => (this.answered.get(b) ?? -Infinity) - (this.answered.get(a) ?? -Infinity));
    if (heir !== undefined) this.send(heir, { kind: 'time_out_now', term: this.current });
    this.stepDown(now, 'resigned');
    // Others first.
    this.deadline += 2 * this.options.electionTimeoutMs;
  }

  private stepDown(now: number, reason: DeposedReason): void {
    this.actions.push({ type: 'deposed', term: this.current, reason });
    this.becomeFollower(now);
    this.setLeader(undefined);
  }

  private becomeFollower(now: number): void {
    this.state = 'follower';
    this.transferring = false;
    this.sendAt = Infinity;
    this.confirmAt = Infinity;
    this.deadline = now + this.drawTimeout();
  }

  private countAnswers(): void {
    const times: number[] = [];
    for (const member of this.members) {
      times.push(member === this.options.id ? Infinity : (this.answered.get(member) ?? -Infinity));
    }
    times.sort((a, b) => b - a);
    this.majorityAnsweredAt = times[majorityOf(times.length) - 1] ?? -Infinity;
  }

  private hasMajority(now: number): boolean {
    return now - this.majorityAnsweredAt <= this.options.electionTimeoutMs;
  }

  // -- members

  private onMembers(now: number, members: readonly string[]): void {
    const before = this.members;
    this.members = new Set([...members, this.options.id]);
    // A new member is given the time to answer.
    for (const member of this.members) if (!before.has(member)) this.answered.set(member, now);
    for (const member of this.answered.keys()) if (!this.members.has(member)) this.answered.delete(member);
    this.countAnswers();
    if (this.state === 'leader' && [...this.members].some((member) => !before.has(member))) this.sayLeading(now);
    this.claimIfElected();
    if (this.state === 'pre_candidate' && this.isMajority(this.supporters)) this.stand(now, false);
  }

  private isMajority(supporters: ReadonlySet<string>): boolean {
    const counted = [...this.members].filter((member) => supporters.has(member)).length;
    return counted >= majorityOf(this.members.size);
  }

  // -- what is to be done

  private send(to: string | undefined, message: MachineMessage): void {
    this.actions.push({ type: 'send', to, message });
  }

  private store(writing: Writing): void {
    this.writing = writing;
    this.actions.push({ type: 'store', term: writing.term, votedFor: writing.votedFor });
  }

  private setLeader(leader: string | undefined): void {
    if (this.leader === leader && (leader === undefined || this.leaderTerm === this.current)) return;
    this.leader = leader;
    this.leaderTerm = this.current;
    this.actions.push({ type: 'leader_changed', leader, term: this.current });
  }
}

const majorityOf = (count: number): number => Math.floor(count / 2) + 1;
