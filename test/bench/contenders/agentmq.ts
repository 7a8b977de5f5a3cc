import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { DynamicModule, Type } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, Handle, loadSettings, startEmbeddedAgent } from 'agentmq/agent';
import { Contract, contractOf } from 'agentmq/protocol';
import { Store } from 'agentmq/message-store';
import { Metrics } from 'agentmq/telemetry';
import { IsInt, IsString } from 'class-validator';
import { amqpUrl, databaseUrl, removeNamespace, until } from '../../support/index.js';
import type { Contender, Payload, Subject, Surroundings } from '../contender.js';

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

const SEALING_KEYS = `bench:${randomBytes(32).toString('base64')}`;

/** Two agents, each with its own connections to RabbitMQ and PostgreSQL. */
export const agentMq: readonly Contender[] = [
  {
    id: 'durable',
    title: 'AgentMQ durable: stored, confirmed, claimed, completed, acked',
    open: (surroundings) => open(surroundings, { contract: Stored, request: StoredRequest, stored: true }),
  },
  {
    id: 'transient',
    title: 'AgentMQ transient: quorum, confirms, acks, nothing stored',
    open: (surroundings) => open(surroundings, { contract: Passing, request: PassingRequest, stored: false }),
  },
  {
    id: 'sealed',
    title: 'AgentMQ durable, of a sensitive contract: sealed and opened as well',
    open: (surroundings) => open(surroundings, { contract: Sealed, request: SealedRequest, stored: true }),
  },
  {
    id: 'sealed-transient',
    title: 'AgentMQ transient, of a sensitive contract: sealed and opened as well',
    open: (surroundings) =>
      open(surroundings, { contract: SealedPassing, request: SealedPassingRequest, stored: false }),
  },
];

interface Contracts {
  readonly contract: Type<Payload>;
  readonly request: Type<Payload>;
  readonly stored: boolean;
}

async function open(surroundings: Surroundings, { contract, request, stored }: Contracts): Promise<Subject> {
  const { prefetch, handled } = surroundings;
  const namespace = `${surroundings.namespace}_${contractOf(contract).type}`;

  let taken = 0;

  @Agent({ role: 'receiver', concurrency: prefetch, prefetch })
  class Receiver {
    @Handle(contract)
    take(): void {
      taken++;
      handled();
    }

    @Handle(request)
    answer(payload: Payload): Payload {
      return payload;
    }
  }

  @Agent({ role: 'sender' })
  class Sender {}

  const receiver = await startEmbeddedAgent(moduleOf(namespace, Receiver));
  const sender = await startEmbeddedAgent(moduleOf(namespace, Sender));
  const client = sender.get(AgentClient);
  const store = receiver.get(Store);
  const received = receiver.get(Metrics).registry.getSingleMetric('agentmq_messages_received_total');
  const { type } = contractOf(contract);
  const completed = async (): Promise<number> => {
    const { values } = (await received?.get()) ?? { values: [] };
    return values.find(({ labels }) => labels['type'] === type && labels['outcome'] === 'completed')?.value ?? 0;
  };

  return {
    async send(payload) {
      await client.send({ role: 'receiver' }, contract, payload);
    },
    request: (payload) => client.request({ role: 'receiver' }, request, payload, { timeout: 10_000 }),
    // Counted once the completion is committed.
    async finish() {
      while ((await completed()) < taken) await turn();
    },
    async check(sent) {
      if (!stored) return;
      await until('an empty outbox', async () => (await store.history.counts()).outbox === 0, 30_000);
      const { messages, deliveries } = await store.history.counts();
      if (messages < sent || deliveries.completed !== messages)
        throw new Error(`sent ${sent}, stored ${messages}, completed ${deliveries.completed}`);
    },
    async close() {
      await sender.close();
      await receiver.close();
      await removeNamespace(namespace);
    },
  };
}

function moduleOf(namespace: string, controller: Type): DynamicModule {
  class BenchModule {}
  const settings = loadSettings({
    NAMESPACE: namespace,
    AGENT_ID: `${controller.name.toLowerCase()}-1`,
    AMQP_URL: amqpUrl(),
    DATABASE_URL: databaseUrl(),
    SEALING_KEYS,
    MESSAGE_BUS_TYPE: 'rabbitmq',
    MESSAGE_BUS_START: 'fail',
  });
  return { module: BenchModule, imports: [AgentModule.forRoot({ settings })], controllers: [controller] };
}
