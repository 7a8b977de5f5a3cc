import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { context, SpanKind, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { Agent, AgentClient, Contract, Ctx, Handle, MessageContext, Tracer } from 'agentmq';
import { CoordinatorModule } from 'agentmq/apps/coordinator';
import { Delegation, Task, TaskContext, Tasks, TasksModule } from 'agentmq/coordination';
import { MessageBus } from 'agentmq/messaging';
import { TestSystem } from 'agentmq/testing';
import { IsInt } from 'class-validator';
import { OtlpReceiver, type ReceivedSpan, until } from '../support/index.js';

class Numbered {
  @IsInt()
  n!: number;
}

@Contract({ type: 'order', retry: { attempts: 2, delay: 0.01 } })
class Order extends Numbered {}

@Contract({ type: 'price', durable: false })
class Price extends Numbered {}

@Contract({ type: 'parcel' })
class Parcel extends Numbered {}

@Agent({ role: 'shop' })
class Shop {
  constructor(private readonly agents: AgentClient) {}

  /** Fails at first. Then asks, and sends on. */
  @Handle(Order)
  async order({ n }: Order, @Ctx() { attempt }: MessageContext): Promise<void> {
    if (attempt === 1) throw new Error('not yet');
    await this.agents.request({ role: 'till' }, Price, { n });
    await trace.getTracer('shop').startActiveSpan('packing', async (span) => {
      await this.agents.publish('parcels.new', Parcel, { n });
      span.end();
    });
  }
}

@Agent({ role: 'till' })
class Till {
  @Handle(Price)
  price({ n }: Price): { readonly n: number } {
    return { n };
  }
}

@Contract({ type: 'book' })
class Book extends Numbered {}

@Contract({ type: 'page' })
class Page extends Numbered {}

@Agent({ role: 'specialist' })
class Specialist {
  constructor(private readonly delegation: Delegation) {}

  @Task(Book)
  async read({ n }: Book): Promise<void> {
    await this.delegation.delegate(
      Page,
      Array.from({ length: n }, (_, page) => ({ n: page })),
    );
  }
}

/** Its first page fails. */
@Agent({ role: 'worker', concurrency: 1 })
class Worker {
  @Task(Page)
  async page({ n }: Page, @Ctx() { attempt }: TaskContext): Promise<void> {
    if (n === 0 && attempt === 1) throw new Error('out of paper');
    // long enough that the other worker has the next one
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** The collector's port is as the exporter finds it, by the environment. */
describe('spans, at a collector', () => {
  let receiver: OtlpReceiver;
  let provider: NodeTracerProvider;
  let system: TestSystem;

  beforeAll(async () => {
    receiver = await OtlpReceiver.start();
    const url = `${receiver.endpoint}/v1/traces`;
    const exporting = new BatchSpanProcessor(new OTLPTraceExporter({ url }), { scheduledDelayMillis: 50 });
    provider = new NodeTracerProvider({ spanProcessors: [exporting] });
    provider.register();
    system = await TestSystem.create({
      apps: [
        { id: 'coordinator-1', imports: [CoordinatorModule.forRoot()] },
        { id: 'specialist-1', imports: [TasksModule], controllers: [Specialist] },
        { id: 'worker-1', imports: [TasksModule], controllers: [Worker] },
        { id: 'worker-2', imports: [TasksModule], controllers: [Worker] },
        { id: 'shop-1', controllers: [Shop] },
        { id: 'till-1', controllers: [Till] },
      ],
      settings: { coordination: { leaderHeartbeatInterval: 50, electionTimeout: 200 } },
      logger: false,
    });
  });
  afterAll(async () => {
    await system.close();
    await provider.shutdown();
    await receiver.close();
    trace.disable();
    context.disable();
  });

  /** As the instrumentation of an HTTP server has one around what it handles. */
  const inHttpSpan = async <T>(
    work: () => Promise<T>,
  ): Promise<{ readonly id: string; readonly root: string; readonly result: T }> =>
    trace.getTracer('http').startActiveSpan('POST /orders', { kind: SpanKind.SERVER }, async (span) => {
      const result = await work();
      span.end();
      const { traceId, spanId } = span.spanContext();
      return { id: traceId, root: spanId, result };
    });

  const spansOf = async (id: string, isWhole: (spans: readonly ReceivedSpan[]) => boolean): Promise<ReceivedSpan[]> =>
    until('the spans', async () => {
      await provider.forceFlush();
      const spans = receiver.spans.filter(({ traceId }) => traceId === id);
      return isWhole(spans) ? spans : undefined;
    });

  /** Each span under its parent, with what it is by and how it ended: lines, sorted below each parent. */
  const tree = (spans: readonly ReceivedSpan[], parent = '', indent = ''): string[] =>
    spans
      .filter(({ parentId }) => parentId === parent)
      .map((span) => {
        const { 'agentmq.outcome': outcome, 'agentmq.attempt': attempt } = span.attributes;
        const told = [attempt, outcome, span.failed ? `! ${String(span.attributes['error.type'])}` : undefined];
        const line = [span.name, span.kind, ...told].filter((each) => each !== undefined).join(' ');
        return [`${indent}${line}`, ...tree(spans, span.spanId, `${indent}  `)];
      })
      .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
      .flat();

  it('are children of the caller’s, through retries, requests, answers and topics', async () => {
    const { id, root, result } = await inHttpSpan(() => system.send({ role: 'shop' }, Order, { n: 1 }));
    const spans = await spansOf(id, (all) => all.filter(({ name }) => name.startsWith('settle')).length >= 2);
    expect(tree(spans, root)).toEqual([
      'create role.shop PRODUCER',
      '  process role.shop CONSUMER 1 retrying ! HANDLER_FAILED',
      '    settle role.shop CLIENT',
      '  process role.shop CONSUMER 2 completed',
      '    packing INTERNAL',
      '      create topic:{name} PRODUCER',
      '        publish topic:{name} CLIENT',
      '    request role.till PRODUCER',
      '      process role.till CONSUMER 1 completed',
      '        reply agent.{id} PRODUCER',
      '    settle role.shop CLIENT',
      '  receive role.shop CLIENT',
      '  receive role.shop CLIENT',
      '  send role.shop CLIENT',
      '  send role.shop CLIENT',
    ]);
    const byName = (name: string): ReceivedSpan => spans.find((span) => span.name === name) as ReceivedSpan;
    expect(byName('create role.shop').attributes).toEqual({
      'messaging.system': 'agentmq',
      'messaging.operation.name': 'create',
      'messaging.operation.type': 'create',
      'messaging.destination.name': 'role.shop',
      'messaging.client.id': expect.any(String),
      'messaging.message.id': result.messageId,
      'messaging.message.body.size': 7,
      'agentmq.contract.type': 'order',
      'agentmq.contract.version': 1,
    });
    expect(byName('process role.shop').attributes).toMatchObject({
      'messaging.consumer.group.name': 'role.shop',
      'messaging.client.id': 'shop-1',
      'messaging.message.id': result.messageId,
    });
    expect(byName('request role.till').links).toEqual([byName('reply agent.{id}').spanId]);
    expect(byName('create topic:{name}').attributes).toMatchObject({
      'messaging.destination.name': 'topic:parcels.new',
    });
    expect(result.trace?.traceparent).toBe(`00-${id}-${byName('create role.shop').spanId}-01`);
    const onRecord = await until('the trace on record', async () => {
      const found = await system.get(Tracer).getTrace(id);
      return found.complete && found.hops.length >= 4 ? found : undefined;
    });
    expect(onRecord.hops.map(({ kind }) => kind).sort()).toEqual(['publish', 'reply', 'request', 'send']);
  });

  it('lead a task from its caller through coordinator, specialist and workers', async () => {
    const tasks = system.get(Tasks);
    const { id, root, result: taskId } = await inHttpSpan(() => tasks.submit(Book, { n: 4 }));
    await tasks.result(taskId);
    const isRun = ({ name }: ReceivedSpan): boolean => name === 'process capability.book';
    const spans = await spansOf(id, (all) => all.some(isRun));
    const run = spans.find(isRun) as ReceivedSpan;
    const created = spans.find(({ name }) => name === 'create capability.book') as ReceivedSpan;
    expect(created).toMatchObject({ parentId: root, attributes: { 'messaging.message.id': taskId } });
    expect(run).toMatchObject({ parentId: created.spanId, attributes: { 'messaging.client.id': 'specialist-1' } });
    const assigned = spans.find(({ parentId, name }) => parentId === created.spanId && name.startsWith('assign'));
    expect(assigned?.attributes).toMatchObject({
      'messaging.client.id': 'coordinator-1',
      'agentmq.agent.id': 'specialist-1',
    });
    const parts = spans.filter(({ parentId, kind }) => parentId === run.spanId && kind === 'PRODUCER');
    const chunks = parts.filter(({ name }) => name === 'create capability.page');
    expect(chunks).toHaveLength(4);
    const attempts = chunks.flatMap(({ spanId }) =>
      spans.filter(({ parentId, name }) => parentId === spanId && name === 'process capability.page'),
    );
    expect(new Set(attempts.map(({ attributes }) => attributes['messaging.client.id']))).toEqual(
      new Set(['worker-1', 'worker-2']),
    );
    const failed = attempts.filter((span) => span.failed);
    expect(attempts).toHaveLength(chunks.length + 1);
    expect(failed).toMatchObject([{ attributes: { 'agentmq.attempt': 1, 'agentmq.outcome': 'retrying' } }]);
    expect(failed[0]?.events).toMatchObject([
      { name: 'exception', attributes: { 'exception.message': 'out of paper' } },
    ]);
    const again = attempts.find(({ parentId, failed: didFail }) => parentId === failed[0]?.parentId && !didFail);
    expect(again?.attributes).toMatchObject({ 'agentmq.attempt': 2, 'agentmq.outcome': 'completed' });
  });

  it('are linked where several messages are claimed together', async () => {
    const traces = await Promise.all(
      Array.from({ length: 5 }, () => inHttpSpan(() => system.send({ role: 'shop' }, Order, { n: 1 }))),
    );
    await system.quiet();
    await provider.forceFlush();
    const ids = new Set(traces.map(({ id }) => id));
    const batches = receiver.spans.filter(
      ({ name, traceId, links }) => name === 'receive role.shop' && ids.has(traceId) && links.length > 0,
    );
    expect(batches.length).toBeGreaterThan(0);
    for (const { links, attributes } of batches)
      expect(attributes['messaging.batch.message_count']).toBe(links.length + 1);
    const created = receiver.spans.filter(({ name, traceId }) => name === 'create role.shop' && ids.has(traceId));
    expect(created.map(({ spanId }) => spanId)).toEqual(expect.arrayContaining(batches.flatMap(({ links }) => links)));
  });

  it('are none of what agents tell each other all the time', async () => {
    system.get(MessageBus).announce('signs.all', Parcel, { n: 1 }, { ttl: 1_000 });
    await provider.forceFlush();
    expect(receiver.spans.filter(({ name }) => /heartbeat|signs|broadcast/.test(name))).toEqual([]);
  });
});
