import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'amqplib';
import { until } from '../../support/index.js';
import type { NeighbourProcess, SenderProcess } from '../agent-process.js';
import type { Fault } from '../fault.js';
import { GROUP, NEIGHBOUR, ROLE } from '../numbered.js';
import type { Scene } from '../scene.js';

/** Good messages a second, while something harmful happens. */
const RATE = 100;
/** A good message that takes longer than this, in ms, counts as late. */
const LATE_MS = 2_000;
const messages = { short: 1_000, long: 2_000 };
const QUICK = { REGISTRY_HEARTBEAT_INTERVAL: '1', REGISTRY_AGENT_TIMEOUT: '3' };

interface Foreigner {
  /** Publishes past AgentMQ, as a foreign producer or an attacker does. */
  publish(exchange: string, key: string, body: string, properties?: object): void;
  /** Resolves when the broker has confirmed all that was published. */
  confirmed(): Promise<void>;
}

/** Good messages flow from a sender to two consumers; a while after they begin the harm is done. None may be late or refused. */
async function whileGoodMessagesFlow(
  scene: Scene,
  env: Record<string, string>,
  harm: (sender: SenderProcess) => Promise<void>,
): Promise<void> {
  const [sender] = await Promise.all([
    scene.sender('sender-1', { ...QUICK, ...env }),
    scene.consumer('counter-1', { ...QUICK, ...env }),
    scene.consumer('counter-2', { ...QUICK, ...env }),
  ]);
  await sender.begin(scene.messages, { rate: RATE });
  await scene.untilCompleted(2 * RATE);
  await harm(sender);
  const { accepted, refused } = await sender.done();
  scene.healed();
  await until('the numbers to be completed', async () => (await numbersLeft(scene)) === 0, 30_000, 50);
  const { late, worst } = await scene.ledger.lateness(LATE_MS);
  const failed = Object.values(refused).reduce((sum, count) => sum + count, 0);
  scene.note(
    `${accepted} good messages: ${late} late (over ${LATE_MS} ms), ${failed} refused, the slowest ${worst} ms`,
  );
  if (late > 0 || failed > 0) throw new Error(`${late} good messages were late, refused: ${JSON.stringify(refused)}`);
}

/** The same, where the harm is what a client of RabbitMQ publishes. */
async function whileForeignersPublish(scene: Scene, work: (foreigner: Foreigner) => Promise<void>): Promise<void> {
  const connection = await connect(scene.brokerUrl);
  try {
    const channel = await connection.createConfirmChannel();
    await whileGoodMessagesFlow(scene, {}, () =>
      work({
        publish: (exchange, key, body, properties = {}) =>
          void channel.publish(`${scene.namespace}.${exchange}`, key, Buffer.from(body), properties),
        confirmed: () => channel.waitForConfirms(),
      }),
    );
  } finally {
    await connection.close();
  }
}

async function numbersLeft(scene: Scene): Promise<number> {
  const [row] = await scene.ledger.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM ${scene.namespace}.messages m JOIN ${scene.namespace}.deliveries d USING (message_id)
     WHERE m.type LIKE 'numbered%' AND d.state IN ('pending', 'processing', 'retrying')`,
  );
  return row?.count ?? 0;
}

/** The codes of the dead deliveries of a type. */
async function codesOf(scene: Scene, type: string): Promise<string[]> {
  const rows = await scene.ledger.query<{ code: string }>(
    `SELECT error ->> 'code' AS code FROM ${scene.namespace}.messages m JOIN ${scene.namespace}.deliveries d USING (message_id)
     WHERE m.type = $1 AND d.state = 'dead'`,
    [type],
  );
  return rows.map(({ code }) => code);
}

const untilDead = (scene: Scene, type: string, count: number): Promise<true> =>
  until(`${count} dead of ${type}`, async () => (await codesOf(scene, type)).length >= count || undefined, 60_000, 100);

export const deadSubscriber: Fault = {
  name: 'dead-subscriber',
  variation: true,
  title: '15. a killed subscriber whose queue is full, among senders with little room',
  needs: [],
  messages,
  quietWithinMs: 180_000,
  async run(scene) {
    const env = { MESSAGE_BUS_MAX_QUEUE_SIZE: '20', MESSAGE_STORE_OUTBOX_LIMIT: '100' };
    await whileGoodMessagesFlow(scene, env, async (sender) => {
      const subscriber = await scene.neighbour('subscriber', { ...QUICK, ...env, AGENT_ID: '' });
      await subscriber.kill();
      let accepted = 0;
      for (let part = 0; part < 16; part++) accepted += await sender.harm('noise', 10);
      scene.note(`${accepted} of 160 publications were accepted`);
    });
  },
};

export const refusedForGood: Fault = {
  name: 'refused-for-good',
  variation: true,
  bus: 'rabbitmq',
  title: '15. messages that the broker refuses for good: too large, and headers that AMQP has no form for',
  needs: ['broker'],
  messages,
  async run(scene) {
    await whileGoodMessagesFlow(scene, {}, async (sender) => {
      const large = await sender.harm('large', 10);
      const odd = await sender.harm('header', 10);
      scene.note(`accepted: ${large} of 10 too large, ${odd} of 10 with a header that is not finite`);
      await untilDead(scene, 'harmful', large + odd);
    });
    scene.note(`dead: ${[...new Set(await codesOf(scene, 'harmful'))].join(', ')}`);
  },
};

export const ownSessionDies: Fault = {
  name: 'own-session-dies',
  variation: true,
  title: '15. transactional handlers that end their own database session',
  needs: [],
  messages,
  async run(scene) {
    await whileGoodMessagesFlow(scene, { CONCURRENCY: '4', PREFETCH: '8' }, async (sender) => {
      const accepted = await sender.harm('session', 10);
      await untilDead(scene, 'harmful', accepted);
    });
    scene.note(`10 dead: ${[...new Set(await codesOf(scene, 'harmful'))].join(', ')}`);
  },
};

export const manyKeys: Fault = {
  name: 'many-keys',
  variation: true,
  bus: 'rabbitmq',
  title: '15. payloads of 100,000 unknown keys',
  needs: [],
  messages,
  async run(scene) {
    const body = JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, key) => [`key_${key}`, key])));
    await whileForeignersPublish(scene, async ({ publish, confirmed }) => {
      for (let n = 0; n < 5; n++) publish('direct', `role.${ROLE}`, body, { type: 'harmful', messageId: `keys-${n}` });
      await confirmed();
      await untilDead(scene, 'harmful', 5);
    });
    const [row] = await scene.ledger.query<{ longest: number }>(
      `SELECT max(length(error::text))::integer AS longest FROM ${scene.namespace}.deliveries`,
    );
    scene.note(`5 dead; the longest error on record has ${row?.longest ?? 0} characters`);
  },
};

export const oddDeathHeader: Fault = {
  name: 'odd-death-header',
  variation: true,
  bus: 'rabbitmq',
  title: '15. foreign messages that expire in an inbox, with an x-death that is no list of tables',
  needs: ['broker'],
  messages,
  async run(scene) {
    const away = await scene.consumer('counter-3', QUICK);
    await away.stop();
    await whileForeignersPublish(scene, async ({ publish, confirmed }) => {
      for (const odd of ['a text', 7, ['a text'], { a: 1 }]) {
        const properties = { type: 'harmful', expiration: '50', headers: { 'x-death': odd } };
        publish('direct', 'agent.counter-3', '{"text":"odd"}', properties);
      }
      await confirmed();
      await delay(1_000);
      // what the node can't do any more once its dead-lettering is broken
      await scene.consumer('counter-4', QUICK);
      publish('direct', 'agent.counter-3', '{"text":"even"}', { type: 'harmful', expiration: '50' });
      await confirmed();
    });
    const recorded = async (): Promise<number> => {
      const [row] = await scene.ledger.query<{ count: number }>(
        `SELECT count(*)::integer AS count FROM ${scene.namespace}.messages WHERE type = 'harmful'`,
      );
      return row?.count ?? 0;
    };
    await until('what expired to be on record', async () => (await recorded()) >= 1 || undefined, 20_000, 100);
    scene.note(`of 5 that expired ${await recorded()} are on record; a new consumer was declared`);
  },
};

/** Three members that elect, and tell of each other. */
const neighbours = (scene: Scene): Promise<NeighbourProcess[]> =>
  Promise.all(['neighbour-1', 'neighbour-2', 'neighbour-3'].map((id) => scene.neighbour(id, QUICK)));

/** Resolves when all of them follow one of them. */
const agreed = (members: readonly NeighbourProcess[]): Promise<{ leader: string; term: number }> =>
  until(
    'a leader that all follow',
    async () => {
      const [first, ...others] = await Promise.all(members.map((member) => member.leader()));
      const { leader = null, term = 0 } = first ?? {};
      const isOne = members.some(({ id }) => id === leader) && others.every((other) => other.leader === leader);
      return leader !== null && isOne ? { leader, term } : undefined;
    },
    30_000,
    50,
  );

export const forgedVotes: Fault = {
  name: 'forged-votes',
  variation: true,
  bus: 'rabbitmq',
  title: '15. vote requests of a sender that is no member, with a huge term',
  needs: [],
  messages,
  async run(scene) {
    const members = await neighbours(scene);
    const before = await agreed(members);
    await whileForeignersPublish(scene, async ({ publish, confirmed }) => {
      for (const { id } of members) {
        const vote = {
          group: GROUP,
          from: 'stranger',
          incarnation: 1,
          kind: 'vote_request',
          term: 1e12,
          transfer: true,
        };
        const properties = { type: 'election_message', appId: 'stranger', headers: { 'agentmq-transient': true } };
        publish('topic', `election.${GROUP}.to.${id}`, JSON.stringify(vote), properties);
      }
      await confirmed();
      await delay(3_000);
    });
    const after = await agreed(members);
    scene.note(`before: ${JSON.stringify(before)}, after: ${JSON.stringify(after)}`);
    if (after.term > before.term + 10) throw new Error(`the term jumped from ${before.term} to ${after.term}`);
    // the next election still takes place
    const leader = members.find(({ id }) => id === after.leader);
    await leader?.kill();
    const next = await agreed(members.filter((member) => member !== leader));
    scene.note(`and when its process was killed: ${JSON.stringify(next)}`);
  },
};

export const forgedAgents: Fault = {
  name: 'forged-agents',
  variation: true,
  bus: 'rabbitmq',
  title: '15. a broadcast that hides a living agent, and 10,000 agents that do not exist',
  needs: [],
  messages,
  async run(scene) {
    const members = await neighbours(scene);
    await agreed(members);
    await whileForeignersPublish(scene, async ({ publish, confirmed }) => {
      const agent = { role: NEIGHBOUR, capabilities: [], instance: 'forged', version: '0.1.0' };
      const properties = { type: 'agent_registered', headers: { 'agentmq-transient': true } };
      const announce = (id: string): void => {
        const said = { ...agent, id, incarnation: 9_999, registeredAt: '2999-01-01T00:00:00.000Z' };
        publish('broadcast', '', JSON.stringify(said), properties);
      };
      for (const { id } of members) announce(id);
      for (let ghost = 0; ghost < 10_000; ghost++) announce(`ghost-${ghost}`);
      await confirmed();
      await delay(2_000);
    });
    for (const member of members) {
      const [able, known] = [(await member.able()).sort(), await member.known()];
      scene.note(`${member.id} knows ${known} agents, and would give work to ${able.join(', ')}`);
      if (able.length !== members.length || known > 10) throw new Error(`${member.id} believes what was announced`);
    }
  },
};
