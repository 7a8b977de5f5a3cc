import { describe, expect, it } from '@jest/globals';
import { ElectionMachine } from './machine.js';
import type { ElectionAction, ElectionEvent, ElectionMessage, ElectionRecord } from './protocol.js';

const ELECTION_TIMEOUT = 1_000;
const nothing: ElectionRecord = { term: 0, votedFor: undefined };

function machineOf(id: string, members: string, record = nothing): ElectionMachine {
  const options = { id, electionTimeoutMs: ELECTION_TIMEOUT, heartbeatMs: 200, confirmMs: 60_000, random: () => 0 };
  const machine = new ElectionMachine(options, record, 0);
  machine.step(0, { type: 'members', members: [...members] });
  return machine;
}

const received = (from: string, message: ElectionMessage): ElectionEvent => ({ type: 'received', from, message });
const send = (to: string | undefined, message: ElectionMessage): ElectionAction => ({ type: 'send', to, message });

/** Members whose messages and statements all arrive at once. */
class Group {
  readonly machines: ReadonlyMap<string, ElectionMachine>;
  readonly log: string[] = [];
  now = 0;

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
      if (action.type === 'claim') this.step(id, { type: 'claimed', term: action.term, outcome: 'won' });
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
    const ask: ElectionMessage = { kind: 'pre_vote_request', term: 5 };
    for (let round = 0; round < 10; round++) {
      expect(machine.step(machine.wakeAt, { type: 'tick' })).toEqual([send('b', ask), send('c', ask)]);
    }
    expect(machine.term).toBe(4);
  });

  it('would vote for nobody while it hears its leader', () => {
    const machine = machineOf('b', 'abc');
    machine.step(500, received('a', { kind: 'leading', term: 1, round: 7 }));
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
    const request: ElectionMessage = { kind: 'vote_request', term: 1, transfer: false };
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
    expect(heard.machine.step(heard.now, received('b', { kind: 'following', term: 2, round: 0 }))).toContainEqual({
      type: 'deposed',
      term: 1,
      reason: 'higher_term',
    });
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
    const yes: ElectionMessage = { kind: 'pre_vote_answer', term: 1, granted: true };
    expect(machine.step(now, received('x', yes))).toEqual([]);
    expect(machine.step(now, { type: 'members', members: ['a', 'b', 'x'] })).toEqual([
      { type: 'store', term: 1, votedFor: 'a' },
    ]);
  });
});
