import { describe, expect, it } from '@jest/globals';
import type { WireMessage } from 'agentmq/protocol';
import fc from 'fast-check';
import { QueueFullError } from '../errors.js';
import { MemoryHub } from './memory-hub.js';
import { type Entry, MemoryQueue } from './memory-queue.js';

const word = fc.constantFrom('a', 'b', 'c');
const topics = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join('.'));
const patterns = fc
  .array(fc.oneof(word, fc.constantFrom('*', '#')), { minLength: 1, maxLength: 5 })
  .map((words) => words.join('.'));

/** AMQP's rule written another way: every word with the dot before it. */
const matches = (pattern: string, topic: string): boolean =>
  new RegExp(
    `^${pattern
      .split('.')
      .map((part) => (part === '#' ? '(\\.\\w+)*' : part === '*' ? '\\.\\w+' : `\\.${part}`))
      .join('')}$`,
  ).test(`.${topic}`);

const text = (body: string, properties = {}) => ({
  body: Buffer.from(body),
  properties: { headers: {}, ...properties },
});

describe('MemoryHub', () => {
  it('routes a topic to exactly the inboxes with a pattern that matches, also to those that are declared later', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(patterns, { maxLength: 3 }), { maxLength: 6 }),
        fc.array(topics, { minLength: 1, maxLength: 6 }),
        (inboxes, published) => {
          const hub = new MemoryHub();
          const declared: string[][] = [];
          for (const [index, own] of inboxes.entries()) {
            hub.declare({ owner: { kind: 'role', name: `r${index}` }, topics: own });
            declared.push(own);
            for (const topic of published) {
              const expected = declared.filter((some) => some.some((pattern) => matches(pattern, topic))).length;
              expect(hub.route(text('x'), { kind: 'topic', name: topic })).toBe(expected);
            }
          }
        },
      ),
    );
  });

  it('forgets an agent’s inbox that nobody has used for long, and keeps a role’s', async () => {
    const hub = new MemoryHub({ agentInboxExpiresMs: 1 });
    const [agent, role] = [{ kind: 'agent', name: 'a' } as const, { kind: 'role', name: 'r' } as const];
    hub.declare({ owner: agent, topics: [] });
    hub.declare({ owner: role, topics: [] });
    await new Promise((resolve) => setTimeout(resolve, 5));
    hub.declare({ owner: { kind: 'role', name: 'other' }, topics: [] });
    expect([hub.find(agent), hub.find(role) !== undefined]).toEqual([undefined, true]);
  });

  it('gives to those that have room when another inbox is full', () => {
    const hub = new MemoryHub({ maxQueueSize: 1 });
    const [first, second] = [1, 2].map((n) => hub.declare({ owner: { kind: 'role', name: `r${n}` }, topics: ['t'] }));
    hub.route(text('1'), { kind: 'role', name: 'r1' });
    expect(() => hub.route(text('2'), { kind: 'topic', name: 't' })).toThrow(QueueFullError);
    expect([first?.lanes.normal.size, second?.lanes.normal.size]).toEqual([1, 1]);
  });
});

describe('MemoryQueue', () => {
  it('hands out in order, whatever comes back in whatever order', () => {
    const steps = fc.array(fc.oneof(fc.constant('push' as const), fc.constant('take' as const), fc.nat({ max: 50 })), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (sequence) => {
        const queue = new MemoryQueue<WireMessage>(1_000);
        const held: Entry<WireMessage>[] = [];
        const waiting: number[] = [];
        let pushed = 0;
        const reader = {
          credit: 0,
          paused: false,
          deliver: (entry: Entry<WireMessage>): void => void held.push(entry),
        };
        queue.addReader(reader);
        for (const step of sequence) {
          if (step === 'push') {
            queue.push(text(''));
            waiting.push(++pushed);
          } else if (step === 'take') {
            const before = held.length;
            reader.credit = 1;
            queue.pump();
            reader.credit = 0;
            const next = waiting.sort((a, b) => a - b).shift();
            expect(held.slice(before).map((entry) => entry.sequence)).toEqual(next === undefined ? [] : [next]);
          } else {
            const [back] = held.splice(step % Math.max(1, held.length), 1);
            if (!back) continue;
            queue.giveBack(back);
            waiting.push(back.sequence);
          }
          expect(queue.size).toBe(waiting.length);
        }
      }),
    );
  });

  it('shares among readers in turn, and skips those without credit', () => {
    const queue = new MemoryQueue(100);
    const got: number[] = [];
    for (const [index, credit] of [10, 2, 10].entries())
      queue.addReader({ credit, paused: false, deliver: () => void got.push(index) });
    for (let n = 0; n < 8; n++) queue.push(text(''));
    queue.pump();
    expect(got).toEqual([0, 1, 2, 0, 1, 2, 0, 2]);
  });
});
