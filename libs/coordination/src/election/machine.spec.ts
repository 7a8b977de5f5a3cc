import { describe, expect, it } from '@jest/globals';
import { ElectionMachine } from './machine.js';
import type { ElectionAction, ElectionEvent, MachineMessage, ElectionRecord } from './protocol.js';

const ELECTION_TIMEOUT = 1_000;
const nothing: ElectionRecord = { term: 0, votedFor: undefined };

function machineOf(id: string, members: string, record = nothing): ElectionMachine {
  const options = { id, electionTimeoutMs: ELECTION_TIMEOUT, heartbeatMs: 200, confirmMs: 60_000, random: () => 0 };
  const machine = new ElectionMachine(options, record, 0);
  machine.step(0, { type: 'members', members: [...members] });
  return machine;
}

const received = (from: string, message: MachineMessage): ElectionEvent => ({ type: 'received', from, message });
const send = (to: string | undefined, message: MachineMessage): ElectionAction => ({ type: 'send', to, message });

/** Members whose messages and statements all arrive at once. */
class Group {
  readonly machines: ReadonlyMap<string, ElectionMachine>;
  readonly log: string[] = [];
  now = 0;
  /** The leadership on record. */
  private led: { readonly latest: number; readonly leader?: string } = { latest: 0 };

  constructor(private readonly members: string) {
    this.machines = new Map([...members].map((id) => [id, machineOf(id, members)]));
  }

  of(id: string): ElectionMachine {
    const machine = this.machines.get(id);
    if (!machine) throw new Error(`there is no ${id}`);
    return machine;
  }

  step(id: string, event: ElectionEvent): void {
    for (const action of this.of(id).step(this.now, event)) {
      if (action.type === 'elected') this.log.push(`${id} elected in ${action.term}`);
      if (action.type === 'deposed') this.log.push(`${id} deposed in ${action.term}: ${action.reason}`);
      if (action.type === 'store') this.step(id, { type: 'stored', term: action.term, ok: true });
      if (action.type === 'claim') {
        this.led = { latest: action.term, leader: id };
        this.step(id, { type: 'claimed', term: action.term, outcome: 'won' });
      }
      if (action.type === 'confirm') {
        const highest = Math.max(...[...this.machines.values()].map(({ term }) => term));
        this.step(id, { type: 'confirmed', asked: action.term, ...this.led, highest });
      }
      if (action.type === 'send') {
        for (const to of action.to === undefined ? this.members.replace(id, '') : action.to) {
          this.step(to, received(id, action.message));
        }
      }
    }
  }

  /** Has the member notice that nobody leads, long after it last heard of anyone. */
  elect(id: string): void {
    this.now = this.of(id).wakeAt;
    this.step(id, { type: 'tick' });
  }
}

/** `a`, elected in term 1 by `b` and `c`. */
function leaderA(): { readonly machine: ElectionMachine; readonly now: number } {
  const machine = machineOf('a', 'abc');
  const now = machine.wakeAt;
  machine.step(now, { type: 'tick' });
  machine.step(now, received('b', { kind: 'pre_vote_answer', term: 1, granted: true }));
  machine.step(now, { type: 'stored', term: 1, ok: true });
  machine.step(now, received('b', { kind: 'vote_answer', term: 1, granted: true }));
  machine.step(now, { type: 'claimed', term: 1, outcome: 'won' });
  return { machine, now };
}

describe('ElectionMachine', () => {
  it('alone in its group elects itself, once its vote is stored and the term on record', () => {
    const machine = machineOf('a', 'a');
    const now = machine.wakeAt;
    expect(machine.step(now, { type: 'tick' })).toEqual([{ type: 'store', term: 1, votedFor: 'a' }]);
    expect(machine.step(now, { type: 'stored', term: 1, ok: true })).toEqual([{ type: 'claim', term: 1 }]);
    expect(machine.role).toBe('claiming');
    expect(machine.step(now, { type: 'claimed', term: 1, outcome: 'won' })).toEqual([
      { type: 'elected', term: 1 },
      { type: 'leader_changed', leader: 'a', term: 1 },
      send(undefined, { kind: 'leading', term: 1, round: now }),
    ]);
    expect(machine.isLeading(now + 1_000_000)).toBe(true);
  });

  it('tells nobody that it leads while it is alone, and a member that comes at once', () => {
    const { machine, now } = leaderA();
    expect(machine.step(now + 200, { type: 'tick' })).toEqual([
      send(undefined, { kind: 'leading', term: 1, round: now + 200 }),
    ]);
    machine.step(now + 201, { type: 'members', members: [] });
    for (let later = now + 201; later < now + 10 * ELECTION_TIMEOUT; later += 50) {
      expect(machine.step(later, { type: 'tick' })).toEqual([]);
      expect(machine.wakeAt).toBeGreaterThan(later);
    }
    const later = now + 10 * ELECTION_TIMEOUT;
    expect(machine.step(later, { type: 'members', members: ['b'] })).toEqual([
      send(undefined, { kind: 'leading', term: 1, round: later }),
    ]);
    expect(machine.step(later + 200, { type: 'tick' })).toHaveLength(1);
  });

  it('is elected by three, and followed by them', () => {
    const group = new Group('abc');
    group.elect('b');
    expect(group.log).toEqual(['b elected in 1']);
    for (const machine of group.machines.values()) {
      expect(machine).toMatchObject({ term: 1, leaderId: 'b' });
    }
  });

  it('asks before it stands, and keeps its term until a majority would vote for it', () => {
    const machine = machineOf('a', 'abc', { term: 4, votedFor: undefined });
    const ask: MachineMessage = { kind: 'pre_vote_request', term: 5 };
    for (let round = 0; round < 10; round++) {
      expect(machine.step(machine.wakeAt, { type: 'tick' })).toEqual([send('b', ask), send('c', ask)]);
    }
    expect(machine.term).toBe(4);
  });

  it('would vote for nobody while it hears its leader', () => {
    const machine = machineOf('b', 'abc');
    machine.step(500, received('a', { kind: 'leading', term: 1, round: 7 }));
    machine.step(500, { type: 'confirmed', asked: 0, latest: 1, leader: 'a' });
    const ask = received('c', { kind: 'pre_vote_request', term: 2 });
    const stand = received('c', { kind: 'vote_request', term: 2, transfer: false });
    expect(machine.step(500 + ELECTION_TIMEOUT - 1, ask)).toEqual([]);
    expect(machine.step(500 + ELECTION_TIMEOUT - 1, stand)).toEqual([]);
    expect(machine.step(500 + ELECTION_TIMEOUT, ask)).toEqual([
      send('c', { kind: 'pre_vote_answer', term: 2, granted: true }),
    ]);
  });

  it('gives its vote once it is stored, and in that term to nobody else, even after a restart', () => {
    const machine = machineOf('c', 'abc');
    const request: MachineMessage = { kind: 'vote_request', term: 1, transfer: false };
    expect(machine.step(1, received('a', request))).toEqual([{ type: 'store', term: 1, votedFor: 'a' }]);
    expect(machine.step(2, received('b', request))).toEqual([]);
    const granted = send('a', { kind: 'vote_answer', term: 1, granted: true });
    expect(machine.step(3, { type: 'stored', term: 1, ok: true })).toEqual([granted]);
    const refused = send('b', { kind: 'vote_answer', term: 1, granted: false });
    for (const each of [machine, machineOf('c', 'abc', { term: 1, votedFor: 'a' })]) {
      expect(each.step(4, received('b', request))).toEqual([refused]);
      expect(each.step(5, received('a', request))).toEqual([granted]);
    }
  });

  it('says nothing when its vote could not be stored', () => {
    const machine = machineOf('c', 'abc');
    machine.step(1, received('a', { kind: 'vote_request', term: 1, transfer: false }));
    expect(machine.step(2, { type: 'stored', term: 1, ok: false })).toEqual([]);
    expect(machine.term).toBe(0);
  });

  it('does not give a vote that is stored after a leader of that term was heard', () => {
    const machine = machineOf('c', 'abc');
    machine.step(1, received('a', { kind: 'vote_request', term: 1, transfer: false }));
    machine.step(2, received('b', { kind: 'leading', term: 1, round: 9 }));
    machine.step(2, { type: 'confirmed', asked: 0, latest: 1, leader: 'b' });
    expect(machine.step(3, { type: 'stored', term: 1, ok: true })).toEqual([]);
    expect(machine).toMatchObject({ term: 1, leaderId: 'b' });
  });

  it('does not lead when the group has a later term on record, and stands above it', () => {
    const machine = machineOf('a', 'a');
    machine.step(machine.wakeAt, { type: 'tick' });
    machine.step(1_000, { type: 'stored', term: 1, ok: true });
    expect(machine.step(1_000, { type: 'claimed', term: 1, outcome: 'lost', latest: 6 })).toEqual([]);
    expect(machine.role).toBe('follower');
    expect(machine.step(machine.wakeAt, { type: 'tick' })).toEqual([{ type: 'store', term: 7, votedFor: 'a' }]);
  });

  it('hands the leadership over', () => {
    const group = new Group('abc');
    group.elect('a');
    group.step('a', { type: 'transfer', to: 'c' });
    expect(group.log).toEqual(['a elected in 1', 'a deposed in 1: higher_term', 'c elected in 2']);
    // those that have just looked at the record look again when it next says that it leads
    group.now = group.of('c').wakeAt;
    group.step('c', { type: 'tick' });
    for (const machine of group.machines.values()) expect(machine.leaderId).toBe('c');
  });

  it('resigns, and has the member stand that answered last', () => {
    const { machine, now } = leaderA();
    machine.step(now + 1, received('c', { kind: 'following', term: 1, round: now + 1 }));
    expect(machine.step(now + 2, { type: 'resign' })).toEqual([
      send('c', { kind: 'time_out_now', term: 1 }),
      { type: 'deposed', term: 1, reason: 'resigned' },
      { type: 'leader_changed', leader: undefined, term: 1 },
    ]);
    expect(machine.step(now + 3, { type: 'resign' })).toEqual([]);
  });

  it('steps down when no majority has answered for an election time-out', () => {
    const { machine, now } = leaderA();
    machine.step(now + 300, received('b', { kind: 'following', term: 1, round: now + 200 }));
    const last = now + 200 + ELECTION_TIMEOUT;
    expect(machine.isLeading(last)).toBe(true);
    expect(machine.isLeading(last + 1)).toBe(false);
    machine.step(last, { type: 'tick' });
    expect(machine).toMatchObject({ role: 'leader', wakeAt: last + 1 });
    expect(machine.step(last + 1, { type: 'tick' })).toContainEqual({
      type: 'deposed',
      term: 1,
      reason: 'no_majority',
    });
  });

  it('steps down for a higher term, heard or on record', () => {
    const heard = leaderA();
    const following: MachineMessage = { kind: 'following', term: 2, round: 0 };
    expect(heard.machine.step(heard.now, received('b', following))).toEqual([{ type: 'confirm', term: 1 }]);
    const record = { type: 'confirmed', asked: 1, latest: 1, leader: 'a', highest: 2 } as const;
    expect(heard.machine.step(heard.now, record)).toContainEqual({ type: 'deposed', term: 1, reason: 'higher_term' });
    const onRecord = leaderA();
    expect(onRecord.machine.step(onRecord.now, { type: 'confirmed', latest: 2 })).toContainEqual({
      type: 'deposed',
      term: 1,
      reason: 'superseded',
    });
  });

  it('does not answer with the round of an earlier term, which may be by the clock of an earlier process', () => {
    const machine = machineOf('b', 'abc', { term: 3, votedFor: undefined });
    expect(machine.step(1, received('a', { kind: 'leading', term: 2, round: 836_847 }))).toEqual([
      send('a', { kind: 'following', term: 3, round: 0 }),
    ]);
  });

  it('does not count who is no member', () => {
    const machine = machineOf('a', 'abc');
    const now = machine.wakeAt;
    machine.step(now, { type: 'tick' });
    const yes: MachineMessage = { kind: 'pre_vote_answer', term: 1, granted: true };
    expect(machine.step(now, received('x', yes))).toEqual([]);
    expect(machine.step(now, { type: 'members', members: ['a', 'b', 'x'] })).toEqual([
      { type: 'store', term: 1, votedFor: 'a' },
    ]);
  });

  const HUGE = 1e12;
  const none = { type: 'confirmed', latest: 0, highest: 0 } as const;

  it.each<[string, MachineMessage]>([
    ['vote_request', { kind: 'vote_request', term: HUGE, transfer: true }],
    ['leading', { kind: 'leading', term: HUGE, round: HUGE }],
    ['following', { kind: 'following', term: HUGE, round: HUGE }],
    ['vote_answer', { kind: 'vote_answer', term: HUGE, granted: false }],
    ['pre_vote_answer', { kind: 'pre_vote_answer', term: HUGE, granted: false }],
    ['time_out_now', { kind: 'time_out_now', term: HUGE }],
  ])('stands in the next term on record, whatever term a %s tells of', (_, message) => {
    const machine = machineOf('a', 'ab');
    machine.step(machine.wakeAt, { type: 'tick' });
    for (const action of machine.step(1_000, received('b', message))) {
      if (action.type === 'store') machine.step(1_001, { type: 'stored', term: action.term, ok: false, latest: 0 });
      if (action.type === 'confirm') machine.step(1_001, { ...none, asked: action.term });
    }
    expect(machine).toMatchObject({ term: 0, leaderId: undefined });
    machine.step(Math.max(1_001, machine.wakeAt), { type: 'tick' });
    const granted: MachineMessage = { kind: 'pre_vote_answer', term: 1, granted: true };
    expect(machine.step(2_000, received('b', granted))).toEqual([{ type: 'store', term: 1, votedFor: 'a' }]);
  });

  it.each<[string, MachineMessage]>([
    ['of a later term', { kind: 'leading', term: HUGE, round: 1 }],
    ['in its own term', { kind: 'leading', term: 1, round: 1 }],
    ['through a follower', { kind: 'following', term: HUGE, round: 1 }],
  ])('goes on leading when another claims to lead, %s, and the record knows nothing of it', (_, message) => {
    const { machine, now } = leaderA();
    for (const action of machine.step(now, received('b', message)))
      if (action.type === 'confirm')
        machine.step(now, { type: 'confirmed', asked: action.term, latest: 1, leader: 'a', highest: 1 });
    expect(machine).toMatchObject({ role: 'leader', term: 1, leaderId: 'a' });
  });

  it('does not count an answer from a time that has not come', () => {
    const { machine, now } = leaderA();
    machine.step(now, received('b', { kind: 'following', term: 1, round: HUGE }));
    expect(machine.isLeading(now + ELECTION_TIMEOUT + 1)).toBe(false);
  });

  it('follows only the leader that is on record, and stands at once on its word alone', () => {
    const machine = machineOf('b', 'abc');
    const leading: MachineMessage = { kind: 'leading', term: 3, round: 1 };
    expect(machine.step(1, received('c', leading))).toContainEqual({ type: 'confirm', term: 0 });
    machine.step(2, { type: 'confirmed', asked: 0, latest: 3, leader: 'a' });
    expect(machine).toMatchObject({ term: 0, leaderId: undefined });
    machine.step(3, received('a', leading));
    expect(machine).toMatchObject({ term: 3, leaderId: 'a' });
    expect(machine.step(4, received('c', { kind: 'time_out_now', term: 3 }))).toEqual([]);
    expect(machine.step(5, received('a', { kind: 'time_out_now', term: 3 }))).toEqual([
      { type: 'store', term: 4, votedFor: 'b' },
    ]);
  });

  it('looks at the record no more often than it would say that it leads, however much it is told', () => {
    const machine = machineOf('b', 'abc');
    let looks = 0;
    for (let now = 0; now < 1_000; now++)
      for (const { type } of machine.step(now, received('c', { kind: 'leading', term: HUGE + now, round: 1 })))
        if (type === 'confirm') looks++;
    expect(looks).toBeLessThanOrEqual(5);
  });

  it('forgets a term that is on record no more, and does not stand in it again', () => {
    const machine = machineOf('a', 'a', { term: 7, votedFor: 'b' });
    machine.step(1, { type: 'confirmed', asked: 6, latest: 6, leader: 'b' });
    expect(machine.term).toBe(7);
    machine.step(1, { type: 'confirmed', asked: 7, latest: 6, leader: 'b' });
    expect(machine.term).toBe(6);
    expect(machine.step(machine.wakeAt, { type: 'tick' })).toEqual([{ type: 'store', term: 8, votedFor: 'a' }]);
  });
});
