import { connect } from 'amqplib';
import { type Message, newMessageId, toRole } from 'agentmq/protocol';
import { Store } from 'agentmq/message-store';
import { until } from '../../support/index.js';
import type { Fault } from '../fault.js';
import { Journal } from '../journal.js';
import { CONSUMER, ROLE } from '../numbered.js';
import type { Scene } from '../scene.js';

const BATCH = 500;
const ROUNDS = 8;

/** Two relays find the same rows due at the same moment. A queue of the suite's own gets a copy of all that is published. */
export const relaysRacing: Fault = {
  name: 'relays-racing',
  title: '11. two relays racing over due rows',
  // it taps what is published
  bus: 'rabbitmq',
  needs: [],
  messages: { short: 3_000, long: 10_000 },
  expected: { duplicates: 0 },
  async run(scene) {
    const consumer = await scene.consumer('counter-1');
    await consumer.stop();
    const connection = await connect(scene.brokerUrl);
    const channel = await connection.createChannel();
    const copies = new Map<string, number>();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, `${scene.namespace}.direct`, CONSUMER);
    await channel.consume(
      queue,
      (message) => {
        const id = String(message?.properties.messageId);
        copies.set(id, (copies.get(id) ?? 0) + 1);
      },
      { noAck: true },
    );
    await scene.ledger.auditLeases();
    await Promise.all([
      scene.sender('relay-1', { MESSAGE_STORE_LEASE: '30' }),
      scene.sender('relay-2', { MESSAGE_STORE_LEASE: '30' }),
    ]);
    // A relay may have done with all before the other looks, which comes to the next first then.
    const each = Math.ceil(scene.messages / ROUNDS);
    for (let round = 0; round < ROUNDS; round++) {
      const first = round * each + 1;
      await appendDue(scene, first, Math.min(each, scene.messages - first + 1));
      await until('all to be published', async () => (await scene.ledger.backlog()).outbox === 0, 60_000, 50);
    }
    await until('a copy of each', () => copies.size === scene.messages);
    await connection.close();
    scene.healed();
    const twice = [...copies.values()].filter((count) => count > 1).length;
    const shares = await scene.ledger.leasesByOwner();
    scene.note(`published more than once: ${twice}; by relay: ${JSON.stringify(shares)}`);
    if (twice > 0) throw new Error(`${twice} of ${scene.messages} messages were published more than once`);
    if (Object.keys(shares).length < 2) throw new Error('one of the relays got nothing: there was no race');
    await consumer.restart();
  },
};

/** Stores messages that are due at once, all in one transaction, as if their sender had died. */
async function appendDue(scene: Scene, from: number, count: number): Promise<void> {
  const store = Store.connect({ url: scene.databaseUrl, namespace: scene.namespace });
  const journal = new Journal(scene.journal(`harness-${from}`));
  const numbers = Array.from({ length: count }, (_, index) => from + index);
  try {
    await store.database.transaction(async (transaction) => {
      for (let first = 0; first < numbers.length; first += BATCH) {
        const batch = numbers.slice(first, first + BATCH);
        for (const n of batch) journal.offer(n);
        await store.outbox.append(batch.map(messageOf), { owner: 'nobody', leaseMs: 0, transaction });
      }
    });
    for (const n of numbers) journal.accept(n);
  } finally {
    journal.close();
    await store.database.close();
  }
}

function messageOf(n: number): Message {
  return {
    messageId: newMessageId(),
    sender: 'nobody',
    recipient: toRole(ROLE),
    timestamp: new Date(),
    type: 'numbered',
    version: 1,
    priority: 5,
    attempt: 1,
    body: Buffer.from(JSON.stringify({ n })),
    contentType: 'application/json',
  };
}
