import { setTimeout as delay } from 'node:timers/promises';
import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, Handle, loadSettings, ProcessSpans, startEmbeddedAgent } from 'agentmq/agent';
import { Contract, contractOf } from 'agentmq/protocol';
import { Store } from 'agentmq/message-store';
import { Metrics } from 'agentmq/telemetry';
import { IsInt, IsString } from 'class-validator';
import { busOf, removeNamespace, until } from '../../../support/index.js';
import type { Ends, Payload, Receiving, Sending, Surroundings } from '../contender.js';

class BenchPayload implements Payload {
  @IsInt()
  n!: number;

  @IsString()
  text!: string;
}

@Contract({ type: 'stored', durable: true })
class Stored extends BenchPayload {}

@Contract({ type: 'stored_request', durable: true })
class StoredRequest extends BenchPayload {}

@Contract({ type: 'passing', durable: false })
class Passing extends BenchPayload {}

@Contract({ type: 'passing_request', durable: false })
class PassingRequest extends BenchPayload {}

@Contract({ type: 'sealed', durable: true, sensitive: true })
class Sealed extends BenchPayload {}

@Contract({ type: 'sealed_request', durable: true, sensitive: true })
class SealedRequest extends BenchPayload {}

@Contract({ type: 'sealed_passing', durable: false, sensitive: true })
class SealedPassing extends BenchPayload {}

@Contract({ type: 'sealed_passing_request', durable: false, sensitive: true })
class SealedPassingRequest extends BenchPayload {}

/** How agents exchange the bench's messages. */
interface Way {
  readonly bus: 'rabbitmq' | 'redis';
  readonly contract: Type<Payload>;
  readonly request: Type<Payload>;
}

const stored = { contract: Stored, request: StoredRequest };
const passing = { contract: Passing, request: PassingRequest };

export const durable = endsOf({ bus: 'rabbitmq', ...stored });
export const transient = endsOf({ bus: 'rabbitmq', ...passing });
export const sealedDurable = endsOf({ bus: 'rabbitmq', contract: Sealed, request: SealedRequest });
export const sealedTransient = endsOf({ bus: 'rabbitmq', contract: SealedPassing, request: SealedPassingRequest });
export const durableOnRedis = endsOf({ bus: 'redis', ...stored });
export const transientOnRedis = endsOf({ bus: 'redis', ...passing });

/** Two agents, each with its own connections to the broker and to PostgreSQL. */
function endsOf(way: Way): Ends {
  return {
    receive: (surroundings) => receive(surroundings, way),
    send: (surroundings) => send(surroundings, way),
  };
}

async function receive(surroundings: Surroundings, { bus, contract, request }: Way): Promise<Receiving> {
  const { namespace, concurrency, prefetch, handled } = surroundings;
  const { type, durable } = contractOf(contract);
  let taken = 0;

  @Agent({ role: 'receiver', concurrency, prefetch })
  class Receiver {
    @Handle(contract)
    take(payload: Payload): void | Promise<void> {
      taken++;
      return handled(payload);
    }

    @Handle(request)
    answer(payload: Payload): Payload {
      return payload;
    }
  }

  const receiver = await start(surroundings, bus, Receiver);
  const store = receiver.get(Store);
  const received = receiver.get(Metrics).registry.getSingleMetric('agentmq_messages_received_total');
  const completed = async (): Promise<number> => {
    const { values } = (await received?.get()) ?? { values: [] };
    return values.find(({ labels }) => labels['type'] === type && labels['outcome'] === 'completed')?.value ?? 0;
  };

  return {
    // counted once the completion is committed
    async finish() {
      while ((await completed()) < taken) await delay(1);
    },
    async check(sent) {
      if (!durable) return;
      await until('an empty outbox', async () => (await store.history.counts()).outbox === 0, 30_000);
      const { messages, deliveries } = await store.history.counts();
      if (messages < sent || deliveries.completed !== messages)
        throw new Error(`sent ${sent}, stored ${messages}, completed ${deliveries.completed}`);
    },
    async close() {
      await receiver.close();
      await removeNamespace(namespace, busOf(bus));
    },
  };
}

async function send(surroundings: Surroundings, { bus, contract, request }: Way): Promise<Sending> {
  @Agent({ role: 'sender' })
  class Sender {}

  const sender = await start(surroundings, bus, Sender);
  const client = sender.get(AgentClient);
  const recipient = { role: 'receiver' };
  return {
    send: (payload) => client.send(recipient, contract, payload),
    request: (payload) => client.request(recipient, request, payload, { timeout: 10_000 }),
    close: () => sender.close(),
  };
}

async function start(
  { namespace, servers }: Surroundings,
  bus: Way['bus'],
  agent: Type,
): Promise<INestApplicationContext> {
  class BenchModule {}
  const { TRACE_RATE, TRACE_RATIO } = process.env;
  const settings = loadSettings({
    ...(TRACE_RATE !== undefined && { TRACE_RATE }),
    ...(TRACE_RATIO !== undefined && { TRACE_RATIO }),
    NAMESPACE: namespace,
    AGENT_ID: `${agent.name.toLowerCase()}-${process.pid}`,
    DATABASE_URL: servers.database,
    AMQP_URL: servers.amqp,
    REDIS_URL: servers.redis,
    // both ends derive the same key
    SEALING_KEYS: `bench:${Buffer.alloc(32, namespace).toString('base64')}`,
    MESSAGE_BUS_TYPE: bus,
    MESSAGE_BUS_START: 'fail',
  });
  const imports = [AgentModule.forRoot({ settings })];
  const module: DynamicModule = { module: BenchModule, imports, controllers: [agent] };
  const app = await startEmbeddedAgent(module, ['error', 'warn']);
  // as an app by itself does; where both ends are in one process, for both
  await app.get(ProcessSpans).start();
  return app;
}
