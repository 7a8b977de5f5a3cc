import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, AgentRegistry, Ctx, Handle, MessageContext, Subscribe } from 'agentmq/agent';
import { NoRecipientError, RequestTimeoutError } from 'agentmq/broker';
import { Contract, ContractViolationError } from 'agentmq/protocol';
import { Metrics } from 'agentmq/telemetry';
import { IsInt, IsString, Min } from 'class-validator';
import { testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'job' })
class Job {
  @IsInt()
  @Min(0)
  n!: number;
}

@Contract({ type: 'slow_question' })
class SlowQuestion {
  @IsInt()
  ms!: number;
}

@Contract({ type: 'notice' })
class Notice {
  @IsString()
  text!: string;
}

@Contract({ type: 'news' })
class News {
  @IsString()
  text!: string;
}

@Contract({ type: 'chain' })
class Chain {
  @IsInt()
  hops!: number;
}

interface Seen {
  readonly agent: string;
  readonly what: string;
}

function recorder() {
  const seen: Seen[] = [];

  @Agent({ role: 'doer', capabilities: ['doing', 'nlp_sentiment'], concurrency: 2 })
  class Doer {
    constructor(private readonly agents: AgentClient) {}

    @Handle(Job)
    job({ n }: Job, @Ctx() { consumer }: MessageContext): void {
      seen.push({ agent: consumer, what: `job ${n}` });
    }

    @Handle(SlowQuestion)
    async slow({ ms }: SlowQuestion): Promise<string> {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return 'late';
    }

    @Handle(Notice)
    notice({ text }: Notice, @Ctx() { consumer }: MessageContext): void {
      seen.push({ agent: consumer, what: `notice ${text}` });
    }

    @Subscribe('news.#', News)
    news({ text }: News, @Ctx() { consumer }: MessageContext): void {
      seen.push({ agent: consumer, what: `news ${text}` });
    }

    @Subscribe('news.#', News, { scope: 'instance' })
    ownNews({ text }: News, @Ctx() { consumer }: MessageContext): void {
      seen.push({ agent: consumer, what: `own news ${text}` });
    }

    @Handle(Chain)
    async chain({ hops }: Chain): Promise<void> {
      if (hops > 0) await this.agents.send({ role: 'doer' }, Chain, { hops: hops - 1 });
    }
  }
  return { seen, Doer };
}

@Agent({ role: 'asker' })
class Asker {}

@Contract({ type: 'question' })
class Question {
  @IsInt()
  n!: number;
}

@Agent({ role: 'quick' })
class Quick {
  @Handle(Question)
  answer({ n }: Question): { n: number } {
    if (n < 0) throw new Error('negative');
    return { n };
  }
}

const valueOf = (lines: readonly string[], series: string): number =>
  Number(lines.find((line) => line.startsWith(`${series} `))?.slice(series.length + 1));

describe.each(['in_memory', testBus.name])('the four patterns (%s)', (busType) => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: busType });
  const { seen, Doer } = recorder();
  const whatWasSeen = () => seen.map(({ agent, what }) => `${agent}: ${what}`).sort();
  let agents: AgentClient;
  let metrics: Metrics;

  beforeAll(async () => {
    await system.start({ id: 'doer-1', controllers: [Doer] });
    await system.start({ id: 'doer-2', controllers: [Doer] });
    const asker = await system.start({ id: 'asker-1', controllers: [Asker] });
    agents = asker.get(AgentClient);
    metrics = asker.get(Metrics);
  });
  afterAll(() => system.close());

  it('send: each message to one instance of the role, stored and completed', async () => {
    seen.length = 0;
    const sent = await Promise.all(Array.from({ length: 50 }, (_, n) => agents.send({ role: 'doer' }, Job, { n })));
    await until('50 jobs', () => seen.length === 50);
    expect(new Set(seen.map(({ what }) => what)).size).toBe(50);
    for (const { messageId } of sent) {
      const stored = await until('completion', async () => {
        const found = await system.store.history.find(messageId);
        return found?.published && found.deliveries[0]?.state === 'completed' ? found : undefined;
      });
      expect(stored.deliveries).toHaveLength(1);
    }
  });

  it('send: to one certain agent', async () => {
    seen.length = 0;
    await agents.send({ agent: 'doer-2' }, Job, { n: 7 });
    await until('the job', () => seen.length > 0);
    expect(whatWasSeen()).toEqual(['agent.doer-2: job 7']);
  });

  it('send: a durable message waits for a recipient that does not exist yet', async () => {
    seen.length = 0;
    const { messageId } = await agents.send({ agent: 'doer-3' }, Job, { n: 3 });
    await until(
      'the failed publication',
      async () => (await system.store.history.find(messageId))?.published === false,
    );
    await system.start({ id: 'doer-3', controllers: [Doer] });
    await until('the job', () => seen.some(({ agent }) => agent === 'agent.doer-3'), 20_000);
  });

  it('publish: one instance of each role, and every instance that asked for itself', async () => {
    seen.length = 0;
    await agents.publish('news.sport.tennis', News, { text: 'set' });
    await until('the news', () => seen.length >= 4);
    expect(whatWasSeen()).toEqual([
      'agent.doer-1: own news set',
      'agent.doer-2: own news set',
      'agent.doer-3: own news set',
      'role.doer: news set',
    ]);
  });

  it('publish: nobody listening is no error', async () => {
    const { messageId } = await agents.publish('weather.today', News, { text: 'rain' });
    await until('settled', async () => (await system.store.history.find(messageId))?.published);
  });

  it('broadcast: every instance, whoever does not care', async () => {
    seen.length = 0;
    await agents.broadcast(Notice, { text: 'closing' });
    await until('the notice', () => seen.length >= 3);
    expect(whatWasSeen()).toEqual(['doer-1', 'doer-2', 'doer-3'].map((id) => `agent.${id}: notice closing`));
  });

  it('request: a time-out, and nobody there at all', async () => {
    const asking = agents.request({ role: 'doer' }, SlowQuestion, { ms: 2_000 }, { timeout: 100 });
    await expect(asking).rejects.toBeInstanceOf(RequestTimeoutError);
    const started = Date.now();
    const nobody = agents.request({ role: 'nobody' }, Job, { n: 1 }, { timeout: 60_000 });
    await expect(nobody).rejects.toBeInstanceOf(NoRecipientError);
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  it('request: how long each took, and how it ended, is told', async () => {
    await system.start({ id: 'quick-1', controllers: [Quick] });
    for (let n = 0; n < 3; n++) expect(await agents.request({ role: 'quick' }, Question, { n })).toEqual({ n });
    const failing = agents.request({ role: 'quick' }, Question, { n: -1 });
    await expect(failing).rejects.toMatchObject({ code: 'HANDLER_FAILED' });
    const wrong = agents.request({ role: 'quick' }, Question, { n: 1 }, { answer: News });
    await expect(wrong).rejects.toBeInstanceOf(ContractViolationError);
    const cancelled = agents.request({ role: 'quick' }, Question, { n: 1 }, { signal: AbortSignal.abort() });
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
    const told = (await metrics.registry.metrics()).split('\n');
    const count = (type: string, outcome: string) =>
      `agentmq_response_time_seconds_count{type="${type}",outcome="${outcome}"}`;
    expect(told).toEqual(
      expect.arrayContaining([
        `${count('question', 'answered')} 3`,
        `${count('question', 'error')} 2`,
        `${count('question', 'cancelled')} 1`,
        `${count('slow_question', 'timeout')} 1`,
        `${count('job', 'no_recipient')} 1`,
      ]),
    );
    const sumOf = valueOf(told, 'agentmq_response_time_seconds_sum{type="question",outcome="answered"}');
    expect(valueOf(told, 'agentmq_response_time_average_seconds{type="question"}')).toBeCloseTo(sumOf / 3, 6);
    expect(told.some((line) => line.startsWith('agentmq_response_time_average_seconds{type="job"}'))).toBe(false);
  });

  it('a payload that breaks its contract never leaves the sender', async () => {
    await expect(agents.send({ role: 'doer' }, Job, { n: -1 })).rejects.toBeInstanceOf(ContractViolationError);
    await expect(agents.send({ role: 'doer' }, Job, { n: 1 }, { priority: 11 })).rejects.toThrow(/^priority: /);
    await expect(agents.send({ role: 'doer' }, Job, { n: 1 }, { ttl: 0 })).rejects.toThrow(/^ttl: /);
  });

  it('what a handler sends belongs to the trace of what it handles', async () => {
    const first = await agents.send({ role: 'doer' }, Chain, { hops: 3 });
    const { agents: path } = await until('four messages', async () => {
      const trace = await system.store.history.trace(first);
      return trace.messages === 4 && trace.completed === 4 ? trace : undefined;
    });
    expect(path[0]).toBe('asker-1');
    const chain = await system.store.history.list({ type: 'chain' });
    expect(chain.map(({ message }) => message.causationId)).toEqual([
      undefined,
      ...chain.slice(0, 3).map(({ message }) => message.messageId),
    ]);
  });

  it('the registry: by role, capability glob and id, and who has left is gone', async () => {
    const ids = (found: { id: string }[]) => found.map(({ id }) => id).sort();
    await until('everybody', () => agents.find({ role: 'doer' }).length === 3);
    expect(ids(agents.find({ capability: 'nlp_*' }))).toEqual(['doer-1', 'doer-2', 'doer-3']);
    expect(agents.find({ capability: 'nlp' })).toEqual([]);
    expect(ids(agents.find({ id: 'asker-1' }))).toEqual(['asker-1']);
    const guest = await system.start({ id: 'doer-4', controllers: [Doer] });
    await until('the guest', () => agents.find({ id: 'doer-4' }).length === 1);
    await guest.close();
    await until('the guest to be gone', () => agents.find({ id: 'doer-4' }).length === 0);
    expect(agents.find({ id: 'doer-4', health: 'any' })[0]?.health).toBe('stopped');
  });

  it('a heartbeat carries on the registration', async () => {
    const asker = async () => (await system.store.agents.read()).agents.find(({ id }) => id === 'asker-1');
    const before = await asker();
    const { instance, sequence } = before ?? { instance: '', sequence: 0 };
    const circuits = [{ agent: 'doer-1', state: 'half_open' as const, since: '2026-01-01T00:00:00Z' }];
    const busy = { load: 0.5, inFlight: 3, concurrency: 6, circuits };
    const said = { capabilities: ['asking'], version: '9', sequence: sequence + 100, ...busy };
    expect(await system.store.agents.heartbeat({ id: 'asker-1', instance, ...said })).toBe('recorded');
    expect(await asker()).toMatchObject({ ...said, instance, incarnation: before?.incarnation, stopped: false });
  });
});

describe('declarations that can not work are refused at the start', () => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
  afterAll(() => system.close());

  it('two handlers of one contract', async () => {
    @Agent({ role: 'twin' })
    class Twin {
      @Handle(Job)
      one(): void {}

      @Handle(Job)
      two(): void {}
    }
    await expect(system.start({ id: 'twin-1', controllers: [Twin] })).rejects.toThrow(/handle job@1/);
  });

  it('the registry is there for an app to inject', async () => {
    const agent = await system.start({ id: 'asker-9', controllers: [Asker] });
    expect(agent.get(AgentRegistry).find({ id: 'asker-9' })).toHaveLength(1);
  });
});
