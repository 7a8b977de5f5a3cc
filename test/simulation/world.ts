import { type ElectionAction, type ElectionEvent, ElectionMachine, type MachineMessage } from 'agentmq/coordination';
import { Agreement } from './agreement.js';
import { Database, type Leadership } from './database.js';
import { Invariants } from './invariants.js';
import { Member } from './member.js';
import { Network } from './network.js';
import { randomFrom } from './random.js';
import { CONFIRM, ELECTION_TIMEOUT, HEARTBEAT, type Schedule } from './schedule.js';
import { Statements } from './statements.js';
import { Timeline } from './timeline.js';
import { Trouble } from './trouble.js';

const FORGED = [
  'pre_vote_request',
  'pre_vote_answer',
  'vote_request',
  'vote_answer',
  'leading',
  'following',
  'time_out_now',
] as const satisfies readonly MachineMessage['kind'][];

/** A group of members, what carries their messages, and their database, in virtual time. */
export class World {
  elections = 0;
  writes = 0;
  refused = 0;
  readonly timeline: Timeline;
  readonly trouble: Trouble;
  readonly network: Network;
  readonly members: readonly Member[];
  readonly database = new Database();
  readonly invariants: Invariants;
  readonly agreement: Agreement;
  /** Those that belong to the group, as a set of members. */
  joined: number;
  /** Called when the member has asked for a vote to be stored, or to lead. */
  readonly onWriting = new Map<Member, () => void>();
  private readonly statements: Statements;

  constructor({ family, members: size, seed, weather }: Schedule, trace?: string[]) {
    this.timeline = new Timeline(seed, trace);
    this.trouble = new Trouble(weather, this.timeline.random);
    this.network = new Network(this.timeline, this.trouble, size);
    this.statements = new Statements(this.timeline, this.trouble);
    this.members = Array.from({ length: size }, (_, index) => new Member(index, randomFrom(seed + index + 1)));
    this.joined = 2 ** size - 1;
    this.invariants = new Invariants(family, this.database, size);
    this.agreement = new Agreement(this.members);
  }

  within(members: number): Member[] {
    return this.members.filter(({ bit }) => bit & members);
  }

  log(text: () => string): void {
    this.timeline.log(text);
  }

  // -- members

  /** Loads the record and starts, unless something keeps it down. */
  start(member: Member): void {
    if (member.down > 0 || member.machine) return;
    const life = ++member.life;
    if (member.cut > 0) {
      return this.timeline.after(ELECTION_TIMEOUT / 2, () => {
        if (member.life === life) this.start(member);
      });
    }
    const record = this.database.recordOf(member.id);
    this.timeline.after(1 + this.timeline.random() * 50, () => {
      if (member.life !== life || member.down > 0) return;
      member.setClock();
      const { id, random } = member;
      const options = { id, random, electionTimeoutMs: ELECTION_TIMEOUT, heartbeatMs: HEARTBEAT, confirmMs: CONFIRM };
      member.machine = new ElectionMachine(options, record, member.clock(this.timeline.now));
      this.log(() => `${id} starts in term ${record.term}, vote ${record.votedFor ?? 'none'}`);
      this.step(member, { type: 'members', members: this.viewOf(member) });
      this.agreement.look(this.timeline.now);
    });
  }

  kill(member: Member): void {
    this.log(() => `${member.id} is dead`);
    member.life++;
    member.machine = undefined;
    member.inbox = [];
    member.tickAt = Infinity;
    this.invariants.crashed(member);
    this.agreement.look(this.timeline.now);
  }

  resume(member: Member): void {
    const { inbox, life } = member;
    member.inbox = [];
    if (!member.machine) return;
    this.log(() => `${member.id} goes on, with ${inbox.length} to take in`);
    // Whether the machine's timer is ahead of all is not known.
    if (this.timeline.random() < 0.5) inbox.unshift(() => this.step(member, { type: 'tick' }));
    for (const take of inbox) if (member.life === life) take();
    this.planTick(member);
  }

  /** Runs it in this life of the member, and not in a pause; an app's timer is ahead of what comes from outside. */
  private when(member: Member, life: number, run: () => void, timer = false): void {
    if (member.life !== life) return;
    if (member.paused === 0) run();
    else if (timer) member.inbox.unshift(run);
    else member.inbox.push(run);
  }

  step(member: Member, event: ElectionEvent): void {
    const { machine, life } = member;
    if (!machine) return;
    const actions = machine.step(member.clock(this.timeline.now), event);
    for (const action of actions) if (member.life === life) this.perform(member, action);
    this.invariants.stepped(member, this.timeline.now);
    this.planTick(member);
  }

  private planTick(member: Member): void {
    const { machine, life } = member;
    if (!machine || member.paused > 0) return;
    const at = Math.max(this.timeline.now, member.when(machine.wakeAt));
    if (at >= member.tickAt) return;
    member.tickAt = at;
    this.timeline.at(at, () => {
      if (member.life !== life || member.tickAt !== at) return;
      member.tickAt = Infinity;
      if (member.paused > 0) return;
      if (machine.wakeAt <= member.clock(this.timeline.now)) this.step(member, { type: 'tick' });
      else this.planTick(member);
    });
  }

  // -- membership

  changeMembership(joined: number): void {
    this.joined = joined;
    for (const member of this.members) this.tellMembers(member, this.timeline.random() * 1.5 * ELECTION_TIMEOUT);
  }

  tellMembers(member: Member, delay: number): void {
    const { life } = member;
    const tell = (): void => {
      const members = this.viewOf(member);
      this.log(() => `${member.id} sees ${members.join('')}`);
      this.step(member, { type: 'members', members });
    };
    this.timeline.after(delay, () => this.when(member, life, tell));
  }

  private viewOf(member: Member): string[] {
    const unseen = member.blindFor.reduce((all, each) => all | each, 0);
    return this.within(this.joined & ~unseen).map(({ id }) => id);
  }

  // -- what members do

  private perform(member: Member, action: ElectionAction): void {
    const { id } = member;
    switch (action.type) {
      case 'send':
        return this.send(member, action.to, action.message);
      case 'store':
        this.log(() => `${id} wants its vote for ${action.votedFor} in ${action.term} stored`);
        this.store(member, action.term, action.votedFor);
        return this.onWriting.get(member)?.();
      case 'claim':
        this.log(() => `${id} claims term ${action.term}`);
        this.invariants.claimed(member, action.term);
        this.claim({ term: action.term, leader: id, life: member.life }, member);
        return this.onWriting.get(member)?.();
      case 'confirm':
        return this.query(
          member,
          () => this.database.record,
          (record) =>
            this.step(member, record ? { type: 'confirmed', asked: action.term, ...record } : { type: 'unread' }),
        );
      case 'elected':
        this.log(() => `${id} is elected in ${action.term}`);
        this.elections++;
        this.invariants.elected(member, action.term, this.timeline.now);
        this.writeAgain(member, action.term);
        return this.agreement.look(this.timeline.now);
      case 'deposed':
        this.log(() => `${id} is deposed in ${action.term}: ${action.reason}`);
        this.invariants.deposed(member, action.term);
        return this.agreement.look(this.timeline.now);
      case 'leader_changed':
        this.log(() => `${id} has ${action.leader ?? 'no one'} as leader in ${action.term}`);
        return this.agreement.look(this.timeline.now);
    }
  }

  private send(member: Member, to: string | undefined, message: MachineMessage): void {
    if (message.kind === 'vote_request') this.invariants.voted(member, message.term, member.id);
    if (message.kind === 'vote_answer' && message.granted && to !== undefined)
      this.invariants.voted(member, message.term, to);
    for (const other of this.members) {
      if (other === member || (to !== undefined && to !== other.id)) continue;
      this.network.send(member, other, () => this.when(other, other.life, () => this.take(other, member, message)));
    }
  }

  private take(member: Member, from: Member, message: MachineMessage): void {
    if (message.kind !== 'leading' && message.kind !== 'following') {
      this.log(() => `${member.id} gets of ${from.id} ${JSON.stringify(message)}`);
    }
    this.invariants.heardFrom(member, from, this.timeline.now);
    this.step(member, { type: 'received', from: from.id, message });
  }

  /** What no member has said comes in, in the name of another: of any kind, and of a term that was never reached. */
  forge(member: Member): void {
    const { random } = this.timeline;
    const [from = member] = this.members.filter((other) => other !== member && random() < 0.5);
    const kind = FORGED[Math.floor(random() * FORGED.length)] ?? 'leading';
    const term = (member.machine?.term ?? 0) + 2 + Math.floor(random() * 1e12);
    const message = { kind, term, granted: random() < 0.5, transfer: random() < 0.5, round: random() * 1e15 };
    this.log(() => `${member.id} gets, forged, of ${from.id} ${JSON.stringify(message)}`);
    this.when(member, member.life, () => this.step(member, { type: 'received', from: from.id, message }));
  }

  private store(member: Member, term: number, votedFor: string): void {
    this.query(
      member,
      () => this.database.storeVote(member.id, { term, votedFor }),
      (stored) => this.step(member, { type: 'stored', term, ...(stored ?? { ok: false }) }),
    );
  }

  private claim(claimed: Leadership, member: Member): void {
    const { term } = claimed;
    this.query(
      member,
      () => this.database.claim(claimed),
      (answer) => {
        if (!answer) return this.step(member, { type: 'claimed', term, outcome: 'failed' });
        const { won, latest } = answer;
        return this.step(member, { type: 'claimed', term, outcome: won ? 'won' : 'lost', latest });
      },
    );
  }

  /** A leader writes in its term at moments of its own, without asking the machine first, as an app does. */
  private writeAgain(member: Member, term: number): void {
    const { life } = member;
    const write = (): void => {
      if (member.machine?.role !== 'leader' || member.machine.term !== term) return;
      this.write({ term, leader: member.id, life }, member);
      this.writeAgain(member, term);
    };
    const delay = ELECTION_TIMEOUT * (0.2 + this.timeline.random() / 2);
    this.timeline.after(delay, () => this.when(member, life, write, true));
  }

  private write(writer: Leadership, member: Member): void {
    this.writes++;
    const apply = (): void => {
      if (this.database.fence(writer.term)) this.invariants.accepted(writer);
      else this.refused++;
    };
    this.query(member, apply, () => undefined);
  }

  private query<Result>(member: Member, apply: () => Result, answer: (result: Result | undefined) => void): void {
    const { life } = member;
    const applied = (): Result => {
      const result = apply();
      this.invariants.recorded();
      return result;
    };
    this.statements.run(member, applied, (result) => this.when(member, life, () => answer(result)));
  }
}
