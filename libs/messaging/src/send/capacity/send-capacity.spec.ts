import { describe, expect, it } from '@jest/globals';
import type { Message, Recipient } from 'agentmq/protocol';
import type { Refusal } from 'agentmq/message-store';
import { OutboxFullError } from '../../errors.js';
import { SendCapacity } from './send-capacity.js';

const WORKER: Recipient = { kind: 'role', name: 'worker' };
const DEAD: Recipient = { kind: 'agent', name: 'dead' };
const ABSENT: Recipient = { kind: 'role', name: 'absent' };
const message = (recipient: Recipient, bytes = 1) => ({ recipient, body: Buffer.alloc(bytes) }) as Message;
const entry = (recipient: Recipient) => ({ id: '1', lease: 1, message: message(recipient) });
const capacityOf = (outboxLimit: number, maxPublishingBytes = 1_000) =>
  new SendCapacity({ outboxLimit, maxPublishing: 2, maxPublishingBytes });
const counting = (size: number, refusals: Refusal[] = []) => ({
  size: () => Promise.resolve(size),
  refusals: () => Promise.resolve(refusals),
});

function send(capacity: SendCapacity, recipient: Recipient): void {
  capacity.add([message(recipient)]);
  capacity.added([message(recipient)]);
}

describe('SendCapacity', () => {
  it('is full at its limit, what is being added included, and has room again for what is settled', () => {
    const capacity = capacityOf(2);
    capacity.add([message(WORKER)]);
    send(capacity, WORKER);
    expect(() => capacity.add([message(WORKER)])).toThrow(
      expect.objectContaining({ code: 'OUTBOX_FULL', retryable: true, limit: 2 }),
    );
    capacity.settled(entry(WORKER));
    send(capacity, WORKER);
  });

  it('counts nothing that could not be added', () => {
    const capacity = capacityOf(1);
    capacity.add([message(WORKER)]);
    capacity.notAdded([message(WORKER)]);
    send(capacity, WORKER);
  });

  it('learns of what others added and settled', async () => {
    const capacity = capacityOf(10);
    await capacity.sample(counting(10));
    expect(() => send(capacity, WORKER)).toThrow(OutboxFullError);
    await capacity.sample(counting(3));
    send(capacity, WORKER);
  });

  it('forgets nothing that happened while the store was counting', async () => {
    const capacity = capacityOf(2);
    let answer = (_size: number): void => {};
    const sampling = capacity.sample({
      ...counting(0),
      size: () => new Promise((resolve) => (answer = resolve)),
    });
    send(capacity, WORKER);
    answer(1);
    await sampling;
    expect(() => send(capacity, WORKER)).toThrow(OutboxFullError);
  });

  it('counts what waits for a full inbox by itself: that recipient has its own limit, and takes no room from others', async () => {
    const capacity = capacityOf(2);
    send(capacity, DEAD);
    capacity.refused(entry(DEAD));
    send(capacity, DEAD);
    expect(() => send(capacity, DEAD)).toThrow(
      expect.objectContaining({ code: 'OUTBOX_FULL', recipient: 'agent.dead', limit: 2 }),
    );
    send(capacity, WORKER);
    expect(capacity.load).toMatchObject({ entries: 1, limit: 2, refusing: [{ target: 'agent.dead', entries: 2 }] });
    await capacity.sample(counting(0, [{ target: 'role.absent', entries: 2, since: new Date() }]));
    send(capacity, DEAD);
    expect(() => send(capacity, ABSENT)).toThrow(expect.objectContaining({ recipient: 'role.absent' }));
    send(capacity, WORKER);
    expect(() => send(capacity, WORKER)).toThrow(expect.objectContaining({ recipient: undefined }));
  });

  it('bounds what waits in this process by number and bytes', () => {
    const capacity = capacityOf(2, 100);
    capacity.begin(message(WORKER, 60));
    expect(() => capacity.begin(message(WORKER, 60))).toThrow(OutboxFullError);
    capacity.begin(message(WORKER, 10));
    expect(() => capacity.begin(message(WORKER, 10))).toThrow(/100 bytes/);
    capacity.end(message(WORKER, 60));
    capacity.begin(message(WORKER, 60));
  });

  it('lets a message be published right after its commit, unless too much is, or its recipient is full', () => {
    const capacity = capacityOf(10);
    expect(capacity.mayPublish(message(WORKER))).toBe(true);
    capacity.full.refused('role.worker');
    expect(capacity.mayPublish(message(WORKER))).toBe(false);
    expect(capacity.mayPublish(message(DEAD))).toBe(true);
    capacity.direct.enter(1);
    capacity.direct.enter(1);
    expect(capacity.mayPublish(message(DEAD))).toBe(false);
  });
});
