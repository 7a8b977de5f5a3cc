import { describe, expect, it } from '@jest/globals';
import type { Refusal } from 'agentmq/message-store';
import { OutboxFullError } from '../errors.js';
import { OutboxRoom } from './outbox-room.js';

const WORKER = 'role.worker';
const add = (room: OutboxRoom) => room.add(() => Promise.resolve(), [WORKER]);
const counting = (size: number, refusals: Refusal[] = []) => ({
  outboxSize: () => Promise.resolve(size),
  refusals: () => Promise.resolve(refusals),
});

describe('OutboxRoom', () => {
  it('is full at its limit, what is being added included, and has room again for what is settled', async () => {
    const room = new OutboxRoom(2, 1_000);
    const results = await Promise.allSettled([add(room), add(room), add(room)]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    await expect(add(room)).rejects.toMatchObject({ code: 'OUTBOX_FULL', retryable: true, limit: 2 });
    room.settled(WORKER);
    await add(room);
  });

  it('counts nothing that could not be added', async () => {
    const room = new OutboxRoom(1, 1_000);
    await expect(room.add(() => Promise.reject(new Error('away')), [WORKER])).rejects.toThrow('away');
    await add(room);
  });

  it('learns of what others added and settled', async () => {
    const room = new OutboxRoom(10, 1_000);
    await room.sample(counting(10));
    await expect(add(room)).rejects.toBeInstanceOf(OutboxFullError);
    await room.sample(counting(3));
    await add(room);
  });

  it('forgets nothing that happened while the store was counting', async () => {
    const room = new OutboxRoom(2, 1_000);
    let answer = (_size: number): void => {};
    const sampling = room.sample({ ...counting(0), outboxSize: () => new Promise((resolve) => (answer = resolve)) });
    await add(room);
    answer(1);
    await sampling;
    await expect(add(room)).rejects.toBeInstanceOf(OutboxFullError);
  });

  it('counts what waits for a full inbox by itself: that target has its own limit, and takes no room from others', async () => {
    const room = new OutboxRoom(2, 1_000);
    const send = (target: string) => room.add(() => Promise.resolve(), [target]);
    await send('agent.dead');
    room.refused('agent.dead');
    await send('agent.dead');
    await expect(send('agent.dead')).rejects.toMatchObject({ code: 'OUTBOX_FULL', target: 'agent.dead', limit: 2 });
    await send(WORKER);
    expect(room.load).toMatchObject({ entries: 1, limit: 2, refusing: [{ target: 'agent.dead', entries: 2 }] });
    await room.sample(counting(0, [{ target: 'role.absent', entries: 2, since: new Date() }]));
    await send('agent.dead');
    await expect(send('role.absent')).rejects.toMatchObject({ target: 'role.absent' });
    await send(WORKER);
    await expect(send(WORKER)).rejects.toMatchObject({ target: undefined });
  });

  it('bounds what waits in this process by number and bytes', () => {
    const room = new OutboxRoom(2, 100);
    const release = room.hold(60);
    expect(() => room.hold(60)).toThrow(OutboxFullError);
    room.hold(10);
    expect(() => room.hold(10)).toThrow(/100 bytes/);
    release();
    room.hold(60);
  });
});
