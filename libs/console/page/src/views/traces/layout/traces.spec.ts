import { describe, expect, it } from '@jest/globals';
import type { Trace } from 'agentmq/messaging';
import type { Json } from 'agentmq/operations';
import { ticksOf } from '../../timeline/timeline.js';
import { sequenceOf } from './sequence.js';
import { type HopView, treeOf } from './tree.js';
import { waterfallOf } from './waterfall.js';

const START = Date.parse('2026-11-27T10:00:00.000Z');
const at = (ms: number): string => new Date(START + ms).toISOString();
const hop = (given: Partial<HopView> & Pick<HopView, 'messageId'>): HopView => ({
  kind: 'send',
  type: 'text',
  from: 'coordinator-1',
  to: 'role.worker',
  sentAt: at(0),
  attempts: [],
  outcome: 'completed',
  ...given,
});
const done = (agent: string, from: number, to: number, attempt = 1): HopView['attempts'][number] => ({
  attempt,
  agent,
  receivedAt: at(from),
  handledAt: at(to),
  outcome: 'completed',
});
const failed = (agent: string, from: number, to: number): HopView['attempts'][number] => ({
  ...done(agent, from, to),
  outcome: 'failed',
  error: { name: 'Error', code: 'ERROR' },
});

/** One task by way of a specialist and two workers, of which one failed at first. */
const hops: readonly HopView[] = [
  hop({
    messageId: 'task',
    kind: 'task',
    to: 'role.specialist',
    publishedAt: at(10),
    receivedAt: at(20),
    attempts: [done('specialist-1', 20, 400)],
  }),
  hop({
    messageId: 'part 1',
    causationId: 'task',
    from: 'specialist-1',
    sentAt: at(50),
    publishedAt: at(60),
    attempts: [failed('worker-1', 70, 100), done('worker-2', 200, 300, 2)],
  }),
  hop({
    messageId: 'part 2',
    causationId: 'task',
    from: 'specialist-1',
    sentAt: at(50),
    publishedAt: at(60),
    attempts: [done('worker-2', 80, 150)],
  }),
  hop({
    messageId: 'note',
    causationId: 'part 1',
    from: 'worker-2',
    to: 'role.archive',
    sentAt: at(290),
    outcome: 'waiting',
  }),
];
const traceOf = (hops: readonly HopView[], endedAt = at(400)): Json<Trace> => ({
  id: 'a trace',
  path: ['coordinator-1', 'specialist-1', 'worker-1', 'worker-2'],
  hops,
  startedAt: at(0),
  endedAt,
  complete: true,
  recorded: true,
  truncated: false,
});

describe('the tree of a trace', () => {
  it('has each hop below its cause, with the lines that lead there', () => {
    expect(treeOf(hops).map(({ hop, depth, last, lines }) => [hop.messageId, depth, last, lines])).toEqual([
      ['task', 0, true, []],
      ['part 1', 1, false, []],
      ['note', 2, true, [true]],
      ['part 2', 1, true, []],
    ]);
  });

  it('puts what one of several consumers sent below that one', () => {
    const both = ['worker-1', 'worker-2'].map((agent) => hop({ messageId: 'all', attempts: [done(agent, 1, 2)] }));
    const rows = treeOf([...both, hop({ messageId: 'answer', causationId: 'all', from: 'worker-2' })]);
    expect(rows.map(({ hop, depth }) => [hop.attempts[0]?.agent, depth])).toEqual([
      ['worker-1', 0],
      ['worker-2', 0],
      [undefined, 1],
    ]);
    expect(new Set(rows.map(({ key }) => key)).size).toBe(3);
  });

  it('has all hops of a ring once', () => {
    const ring = [hop({ messageId: 'a', causationId: 'b' }), hop({ messageId: 'b', causationId: 'a' })];
    expect(treeOf(ring).map(({ hop }) => hop.messageId)).toEqual(['a', 'b']);
  });
});

describe('the waterfall of a trace', () => {
  it('tells when a message was sent, waited, was tried and tried again', () => {
    const { rows, length } = waterfallOf(traceOf(hops));
    expect(length).toBe(400);
    expect(rows[1]?.bars).toEqual([
      { kind: 'sending', from: 50, to: 60, outcome: 'completed', label: 'sending' },
      { kind: 'waiting', from: 60, to: 70, outcome: 'completed', label: 'waiting for role.worker' },
      { kind: 'running', from: 70, to: 100, outcome: 'failed', label: 'attempt 1 on worker-1' },
      { kind: 'retry', from: 100, to: 200, outcome: 'completed', label: 'to be retried' },
      { kind: 'running', from: 200, to: 300, outcome: 'completed', label: 'attempt 2 on worker-2' },
    ]);
  });

  it('leaves what is under way open until the last that is known', () => {
    const { rows } = waterfallOf(traceOf(hops));
    expect(rows[2]?.bars).toEqual([{ kind: 'sending', from: 290, to: 400, outcome: 'open', label: 'sending' }]);
  });

  it('never ends a bar before it begins, though clocks differ', () => {
    const early = hop({ messageId: 'early', sentAt: at(30), publishedAt: at(20), attempts: [done('worker-1', 5, 2)] });
    for (const { from, to } of waterfallOf(traceOf([early])).rows[0]?.bars ?? [])
      expect(to).toBeGreaterThanOrEqual(from);
  });

  it.each([
    [1, [0, 1]],
    [400, [0, 100, 200, 300, 400]],
    [149_000, [0, 30_000, 60_000, 90_000, 120_000]],
  ])('has round times on a scale of %i ms', (length, ticks) => {
    expect(ticksOf(length)).toEqual(ticks);
  });
});

describe('the sequence diagram of a trace', () => {
  it('has a lifeline for each agent, and one for what no agent has taken', () => {
    expect(sequenceOf(traceOf(hops)).lanes.map(({ name }) => name)).toEqual([
      'coordinator-1',
      'specialist-1',
      'worker-1',
      'worker-2',
      'role.archive',
    ]);
  });

  it('has an arrow for each attempt, in the order of time', () => {
    const { arrows } = sequenceOf(traceOf(hops));
    expect(arrows.map(({ from, to, kind, attempt }) => [from, to, kind, attempt])).toEqual([
      [0, 1, 'message', 1],
      [1, 2, 'message', 1],
      [1, 3, 'message', 1],
      [1, 3, 'retry', 2],
      [3, 4, 'waiting', 1],
    ]);
    expect(arrows.map(({ y }) => y)).toEqual(arrows.map(({ y }) => y).sort((a, b) => a - b));
  });

  it('shows an agent at work from the arrow on until it ended', () => {
    const { activations, arrows } = sequenceOf(traceOf(hops));
    const first = activations.find(({ lane }) => lane === 2);
    expect(first).toMatchObject({ outcome: 'failed', from: arrows[1]?.y, level: 0 });
    const whole = activations.find(({ lane }) => lane === 1);
    expect(whole?.to).toBe(Math.max(...activations.map(({ to }) => to)));
  });

  it('draws no more than it is told to, and says how many are left out', () => {
    const { arrows, omitted } = sequenceOf(traceOf(hops), 2);
    expect([arrows.length, omitted]).toEqual([2, 3]);
  });
});
