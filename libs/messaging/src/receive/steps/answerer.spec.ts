import { describe, expect, it } from '@jest/globals';
import { MemoryBroker, MemoryHub } from 'agentmq/broker';
import { fromWire, toRole, toWireError } from 'agentmq/protocol';
import { Answerer } from './answerer.js';
import { KeyRing } from '../../sealing/key-ring.js';
import { MessageSealing } from '../../sealing/message-sealing.js';
import { Sealer } from '../../sealing/sealer.js';
import { Tracing } from '../../tracing/tracing.js';

const counts = { recorded: () => undefined, dropped: () => undefined };
const untraced = new Tracing(
  { record: () => Promise.resolve() },
  counts,
  'a',
  () => new Date(),
  () => false,
);

describe('Answerer', () => {
  it.each([
    ['told when its time is not over', 1_000, true],
    ['not told when it has given up already', -1, false],
  ])('an asker is %s', async (_, leftMs, told) => {
    const broker = new MemoryBroker(new MemoryHub());
    await broker.start();
    const now = new Date();
    const sealing = new MessageSealing(new Sealer(new KeyRing({ keys: [] })), 1_000_000);
    const dependencies = { broker, options: { agentId: 'a' }, now: () => now, sealing, tracing: untraced };
    const answerer = new Answerer(dependencies, () => undefined);
    let outcome: boolean | undefined;
    await broker.consume({ owner: { kind: 'role', name: 'asked' }, topics: [] }, { prefetch: 1 }, async (incoming) => {
      const { message } = fromWire(incoming.recipient, incoming);
      const request = { ...message, expiresAt: new Date(now.getTime() + leftMs) };
      outcome = await answerer.fail(request, { ...toWireError(new Error('no')) });
    });
    const recipient = toRole('asked');
    const body = Buffer.from('{}');
    const publication = { recipient, body, properties: { type: 't', headers: {} }, mandatory: true, persistent: false };
    await broker.request(publication, { timeoutMs: 5_000 });
    await broker.close();
    expect(outcome).toBe(told);
  });
});
