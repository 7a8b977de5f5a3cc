import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Agent,
  AgentClient,
  Ctx,
  Handle,
  type Hop,
  MessageContext,
  type StartedTrace,
  type Trace,
  Tracer,
} from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { MessageBus, TraceNotFoundError } from 'agentmq/messaging';
import { Metrics } from 'agentmq/telemetry';
import { IsInt } from 'class-validator';
import { databaseUrl, TcpProxy, until } from '../support/index.js';
import { TestSystem } from './agents.js';

class Numbered {
  @IsInt()
  n!: number;
}

@Contract({ type: 'job', retry: { attempts: 3, delay: 0.05 } })
class Job extends Numbered {}

@Contract({ type: 'question' })
class Question extends Numbered {}

@Contract({ type: 'alarm', durable: false })
class Alarm extends Numbered {}

@Contract({ type: 'sign' })
class Sign extends Numbered {}

@Agent({ role: 'clerk' })
class Clerk {
  constructor(
    private readonly agents: AgentClient,
    private readonly bus: MessageBus,
  ) {}

  /** Fails at first; then asks, and tells all of it. */
  @Handle(Job)
  async job({ n }: Job, @Ctx() { attempt }: MessageContext): Promise<void> {
    if (attempt === 1) throw new Error('not yet');
    await this.agents.request({ role: 'sage' }, Question, { n });
    this.bus.announce('signs.done', Sign, { n }, { ttl: 60_000 });
    await this.agents.broadcast(Alarm, { n });
  }

  @Handle(Alarm)
  alarm(): void {
    // one that listens
  }
}

@Agent({ role: 'sage' })
class Sage {
  @Handle(Question)
  question({ n }: Question): { readonly n: number } {
    if (n < 0) throw new Error('no such number');
    return { n };
  }
}

@Agent({ role: 'asker' })
class Asker {}

const summary = ({ kind, type, from, consumer, outcome }: Hop): string =>
  `${from}: ${kind}${kind === 'reply' ? '' : ` ${type}`} at ${consumer ?? '-'} ${outcome}`;

/** Resolves with the trace when it is complete, and so many of its hops have come to a consumer: each agent writes its own. */
const whole = (tracer: Tracer, id: string, received: number): Promise<Trace> =>
  until('the trace', async () => {
    const trace = await tracer.getTrace(id).catch(() => undefined);
    const known = trace?.hops.filter(({ consumer, publishedAt }) => consumer !== undefined && publishedAt) ?? [];
    return trace?.complete === true && known.length >= received ? trace : undefined;
  });

describe.each(['in_memory', 'rabbitmq'])('traces (%s)', (busType) => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: busType });
  let agents: AgentClient;
  let tracer: Tracer;
  let started: StartedTrace;

  beforeAll(async () => {
    await system.start({ id: 'clerk-1', controllers: [Clerk] });
    const sage = await system.start({ id: 'sage-1', controllers: [Sage] });
    await sage.get(MessageBus).listen(['signs.*'], Sign, () => undefined);
    const asker = await system.start({ id: 'asker-1', controllers: [Asker] });
    agents = asker.get(AgentClient);
    tracer = asker.get(Tracer);
    started = await tracer.startTrace();
  });
  afterAll(() => system.close());

  it('have a hop for each message, stored or not, with its times, attempts and outcome', async () => {
    const { messageId } = await started.run(() => agents.send({ role: 'clerk' }, Job, { n: 1 }));
    const trace = await whole(tracer, started.id, 5);
    expect(trace).toMatchObject({ id: started.id, path: ['asker-1', 'clerk-1', 'sage-1'], recorded: true });
    expect(trace.hops.map(summary).sort()).toEqual([
      'asker-1: send job at role.clerk completed',
      'clerk-1: announce sign at agent.sage-1 completed',
      'clerk-1: broadcast alarm at agent.clerk-1 completed',
      'clerk-1: request question at role.sage completed',
      'sage-1: reply at agent.clerk-1 completed',
    ]);
    const [job, ...others] = trace.hops;
    expect(job?.attempts).toMatchObject([
      { attempt: 1, agent: 'clerk-1', outcome: 'failed', error: { code: 'HANDLER_FAILED' } },
      { attempt: 2, agent: 'clerk-1', outcome: 'completed' },
    ]);
    const moments = [job?.sentAt, job?.storedAt, job?.publishedAt, job?.handledAt].map(
      (each) => each?.getTime() ?? NaN,
    );
    // The database and two agents: their clocks agree within some ms.
    for (const [index, moment] of moments.slice(1).entries())
      expect(moment).toBeGreaterThanOrEqual((moments[index] ?? NaN) - 20);
    for (const { publishedAt, receivedAt, handledAt } of others)
      expect({ publishedAt, receivedAt, handledAt }).toEqual({
        publishedAt: expect.any(Date),
        receivedAt: expect.any(Date),
        handledAt: expect.any(Date),
      });
    const request = others.find(({ kind }) => kind === 'request');
    expect(request?.causationId).toBe(messageId);
    expect(others.find(({ kind }) => kind === 'reply')?.causationId).toBe(request?.messageId);
    expect(await tracer.getTrace(request?.messageId ?? '')).toEqual(trace);
  });

  it('tell what a request failed with', async () => {
    const { id, run } = await tracer.startTrace();
    await expect(run(() => agents.request({ role: 'sage' }, Question, { n: -1 }))).rejects.toThrow('no such number');
    const { hops } = await whole(tracer, id, 2);
    expect(hops[0]).toMatchObject({ kind: 'request', outcome: 'failed', error: { code: 'HANDLER_FAILED' } });
    const nobody = await tracer.startTrace();
    await expect(nobody.run(() => agents.request({ role: 'nobody' }, Question, { n: 1 }))).rejects.toThrow();
    const lost = await whole(tracer, nobody.id, 0);
    expect(lost.hops).toMatchObject([{ outcome: 'failed', error: { code: 'NO_RECIPIENT' }, attempts: [] }]);
  });

  it('go on from a message', async () => {
    const before = await tracer.getTrace(started.id);
    const { id, run } = await tracer.startTrace(before.hops[0]?.messageId);
    expect(id).toBe(started.id);
    await run(() => agents.broadcast(Alarm, { n: 2 }));
    const { hops } = await whole(tracer, id, 6);
    expect(hops.at(-1)).toMatchObject({ type: 'alarm', from: 'asker-1', causationId: before.hops[0]?.messageId });
    await expect(tracer.startTrace('nowhere')).rejects.toBeInstanceOf(TraceNotFoundError);
    await expect(tracer.getTrace('nowhere')).rejects.toBeInstanceOf(TraceNotFoundError);
  });

  it('are not made of what agents tell each other all the time', async () => {
    const recorded = await system.store.database.query<{ type: string }>(
      `SELECT DISTINCT type FROM ${system.namespace}.hops WHERE type NOT LIKE 'question%' ORDER BY type`,
    );
    expect(recorded.map(({ type }) => type)).toEqual(['alarm', 'sign']);
  });
});

describe('tracing', () => {
  it('leaves out a trace that is not sampled, at each of its agents, but for what the store has', async () => {
    const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory', TRACE_RATE: '0', TRACE_RATIO: '0' });
    try {
      await system.start({ id: 'clerk-1', controllers: [Clerk] });
      await system.start({ id: 'sage-1', controllers: [Sage] });
      const asker = await system.start({ id: 'asker-1', controllers: [Asker] });
      const tracer = asker.get(Tracer);
      const { messageId } = await asker.get(AgentClient).send({ role: 'clerk' }, Job, { n: 1 });
      const trace = await whole(tracer, messageId, 0);
      expect(trace).toMatchObject({ recorded: false, path: ['asker-1', 'clerk-1'], hops: [{ outcome: 'completed' }] });
      expect(trace.hops[0]?.attempts).toMatchObject([{ outcome: 'failed' }, { outcome: 'completed' }]);
      expect(await system.store.database.query(`SELECT 1 FROM ${system.namespace}.hops`)).toEqual([]);
    } finally {
      await system.close();
    }
  });

  it('holds up nothing while the database is away, and what it held is written afterwards', async () => {
    const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory', TRACE_RATE: '1000000' });
    const url = new URL(databaseUrl());
    const proxy = await TcpProxy.listen({ host: url.hostname, port: Number(url.port) || 5432 });
    try {
      await system.start({ id: 'sage-1', controllers: [Sage] });
      const cutOff = { id: 'asker-1', controllers: [Asker], databaseUrl: proxy.through(databaseUrl()) };
      const asker = await system.start(cutOff);
      const agents = asker.get(AgentClient);
      proxy.refuse();
      proxy.cut();
      const { id, run } = await asker.get(Tracer).startTrace();
      const begun = performance.now();
      for (let n = 0; n < 500; n++) await run(() => agents.request({ role: 'sage' }, Question, { n }));
      expect(performance.now() - begun).toBeLessThan(5_000);
      const count = async (): Promise<string> => asker.get(Metrics).registry.metrics();
      expect(await count()).not.toMatch(/agentmq_trace_hops_total\{outcome="dropped"\} [1-9]/);
      await proxy.accept();
      const trace = await until('the hops', async () => {
        const found = await asker
          .get(Tracer)
          .getTrace(id)
          .catch(() => undefined);
        return found?.complete === true && found.hops.length === 1_000 ? found : undefined;
      });
      expect(trace).toMatchObject({ path: ['asker-1', 'sage-1'], truncated: false });
    } finally {
      await system.close();
      await proxy.close();
    }
  });
});
