import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, Handle, loadSettings, startEmbeddedAgent } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { Store } from 'agentmq/message-store';
import { IsInt, IsString } from 'class-validator';
import { databaseUrl, RabbitMqNode, randomNamespace, removeNamespace, until } from '../../support/index.js';

@Contract({ type: 'unprocessed' })
class Unprocessed {
  @IsInt()
  n!: number;

  @IsString()
  text!: string;
}

let handled = 0;

@Agent({ role: 'sink', concurrency: 64, prefetch: 256 })
class Sink {
  @Handle(Unprocessed)
  take(): void {
    handled++;
  }
}

@Agent({ role: 'source' })
class Source {}

const SENDING = 256;
const SAMPLE_MS = 250;
const MB = 1024 * 1024;

/**
 * How fast what a wiped broker lost is replayed: `messages` are queued, RabbitMQ (a node of its own) is killed, its data
 * deleted, and started empty; then an agent starts, finds its inbox gone, and replays, receives and completes them all.
 * One process does everything, and its resident memory is sampled.
 */
export async function measureReplay(messages: number, report: (text: string) => void): Promise<string> {
  const node = await RabbitMqNode.start();
  const namespace = randomNamespace('bench_replay');
  const store = Store.connect({ url: databaseUrl(), namespace });
  const start = (controller: Type): Promise<INestApplicationContext> =>
    startEmbeddedAgent(moduleOf(controller, node.url, namespace, messages), ['error']);
  try {
    const first = await start(Sink);
    await first.close();
    const source = await start(Source);
    await send(source.get(AgentClient), messages);
    await until('all to be published', async () => (await store.outbox.size(1)) === 0, 600_000, 200);
    await source.close();
    report(`${messages} messages queued`);
    await node.wipe();
    await node.up();
    report('RabbitMQ is back, empty');
    const before = process.memoryUsage.rss();
    const begun = performance.now();
    const sink = await start(Sink);
    const samples = await sampled(async () => {
      await until('all to be completed', () => handled >= messages, 1_200_000, 50);
      await until(
        'the last to be recorded',
        async () => (await store.history.counts()).deliveries.completed === messages,
        60_000,
      );
    });
    const seconds = (performance.now() - begun) / 1_000;
    const { deliveries } = await store.history.counts();
    await sink.close();
    const [quarter, half, most] = [samples.length >> 2, samples.length >> 1, samples.length].map((end) =>
      Math.max(...samples.slice(0, Math.max(1, end))),
    );
    const memory = `before ${inMb(before)}, most in the first quarter ${inMb(quarter)}, half ${inMb(half)}, in all ${inMb(most)}`;
    return [
      `replayed, handled and completed ${deliveries.completed} in ${seconds.toFixed(1)} s: ${Math.round(messages / seconds)}/s; handled ${handled - messages} more than once`,
      `resident memory: ${memory}`,
    ].join('\n');
  } finally {
    await store.database.close();
    await removeNamespace(namespace);
    await node.stop();
  }
}

async function send(client: AgentClient, messages: number): Promise<void> {
  const text = 'x'.repeat(200);
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next < messages) {
      await client.send({ role: 'sink' }, Unprocessed, { n: next++, text });
      await turn();
    }
  };
  await Promise.all(Array.from({ length: SENDING }, sender));
}

/** The resident memory, in bytes, at each sample while the work goes on. */
async function sampled(work: () => Promise<void>): Promise<number[]> {
  const samples = [process.memoryUsage.rss()];
  const ended = new AbortController();
  const sampling = (async () => {
    while (!ended.signal.aborted) {
      samples.push(process.memoryUsage.rss());
      await delay(SAMPLE_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  })();
  await work();
  ended.abort();
  await sampling;
  return samples;
}

function moduleOf(controller: Type, url: string, namespace: string, messages: number): DynamicModule {
  class BenchModule {}
  const settings = loadSettings({
    NAMESPACE: namespace,
    AMQP_URL: url,
    DATABASE_URL: databaseUrl(),
    AGENT_ID: `${controller.name.toLowerCase()}-1`,
    MESSAGE_BUS_MAX_QUEUE_SIZE: String(2 * messages),
    MESSAGE_STORE_OUTBOX_LIMIT: String(2 * messages),
  });
  return { module: BenchModule, imports: [AgentModule.forRoot({ settings })], controllers: [controller] };
}

const inMb = (bytes: number | undefined): string => `${Math.round((bytes ?? 0) / MB)} MB`;
