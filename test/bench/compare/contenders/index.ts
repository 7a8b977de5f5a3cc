import { endsOfPeer as peer } from '../../peers.js';
import type { Contender } from '../contender.js';

const STORED = 'stored in Postgres, confirmed, claimed, completed, acked; validated';
const PASSING = 'confirmed, acked; validated; nothing stored';

/** The reference is the first. Each is set up as its own documentation has it for throughput. */
export const contenders: readonly Contender[] = [
  {
    id: 'raw',
    title: 'amqplib by hand',
    promise: 'confirmed, acked; nothing stored',
    configured: 'quorum queue, persistent',
    ends: () => import('./raw-amqplib.js'),
  },
  {
    id: 'durable',
    title: 'AgentMQ, durable',
    promise: STORED,
    ends: async () => (await import('./agentmq.js')).durable,
  },
  {
    id: 'transient',
    title: 'AgentMQ, transient',
    promise: PASSING,
    ends: async () => (await import('./agentmq.js')).transient,
  },
  {
    id: 'sealed',
    title: 'AgentMQ, durable and sealed',
    promise: `${STORED}; encrypted`,
    ends: async () => (await import('./agentmq.js')).sealedDurable,
  },
  {
    id: 'sealed-transient',
    title: 'AgentMQ, transient and sealed',
    promise: `${PASSING}; encrypted`,
    ends: async () => (await import('./agentmq.js')).sealedTransient,
  },
  {
    id: 'broker',
    title: "AgentMQ's RabbitMQ adapter alone",
    promise: 'confirmed, acked; nothing validated or stored',
    ends: async () => (await import('./broker-adapter.js')).onRabbitMq,
  },
  {
    id: 'durable-redis',
    title: 'AgentMQ on Redis, durable',
    promise: STORED,
    ends: async () => (await import('./agentmq.js')).durableOnRedis,
  },
  {
    id: 'transient-redis',
    title: 'AgentMQ on Redis, transient',
    promise: PASSING,
    ends: async () => (await import('./agentmq.js')).transientOnRedis,
  },
  {
    id: 'broker-redis',
    title: "AgentMQ's Redis adapter alone",
    promise: 'confirmed, acked; nothing validated or stored',
    ends: async () => (await import('./broker-adapter.js')).onRedis,
  },
  {
    id: 'nest',
    title: "Nest's RMQ transport",
    promise: 'confirmed, acked; nothing stored',
    configured: 'quorum queue, persistent',
    isPeer: true,
    ends: () => peer('nest-rmq'),
  },
  {
    id: 'golevelup',
    title: '@golevelup/nestjs-rabbitmq',
    promise: 'confirmed, acked; nothing stored',
    configured: 'quorum queue, persistent',
    isPeer: true,
    ends: () => peer('golevelup'),
  },
  {
    id: 'moleculer',
    title: 'Moleculer over AMQP',
    promise: 'neither confirmed nor stored',
    configured: 'events; classic queues that are not durable',
    isPeer: true,
    ends: () => peer('moleculer'),
  },
  {
    id: 'pg-boss',
    title: 'pg-boss',
    promise: 'stored in Postgres, fetched once, completed',
    configured: 'send; LISTEN/NOTIFY, batches of 500, fetched on while they are full; pool of 10',
    isPeer: true,
    ends: () => peer('pg-boss'),
  },
  {
    id: 'graphile-worker',
    title: 'graphile-worker',
    promise: 'stored in Postgres, locked, completed',
    configured: 'addJob; LISTEN/NOTIFY, 24 jobs at once, pool of 24',
    isPeer: true,
    ends: () => peer('graphile-worker'),
  },
  {
    id: 'graphile-worker-batched',
    title: 'graphile-worker, batched',
    promise: 'stored in Postgres, locked, completed in batches',
    configured: 'addJob; LISTEN/NOTIFY, local queue of 500, completions batched (0 ms), 24 jobs at once, pool of 24',
    isPeer: true,
    ends: () => peer('graphile-worker-batched'),
  },
  {
    id: 'bullmq',
    title: 'BullMQ',
    promise: 'kept in Redis as Redis is set up, locked, completed',
    configured: 'Queue.add; 500 jobs at once, completed jobs removed',
    isPeer: true,
    ends: () => peer('bullmq'),
  },
];

export function contenderOf(id: string): Contender {
  const found = contenders.find((contender) => contender.id === id);
  if (!found) throw new TypeError(`no contender "${id}": there are ${contenders.map((each) => each.id).join(', ')}`);
  return found;
}
