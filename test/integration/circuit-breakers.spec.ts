import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DynamicModule, INestApplication, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Agent, AgentClient, AgentModule, AgentRegistry, AgentServer, Handle } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { CircuitBreakers, type CircuitChange, CircuitOpenError, DistributionModule } from 'agentmq/coordination';
import { IsInt } from 'class-validator';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

const VOLUME = 4;
const WAIT_MS = 20_000;

@Contract({ type: 'question_asked', durable: false })
class QuestionAsked {
  @IsInt()
  n!: number;
}

/** What the answerer does with questions, and how many it got. */
const answerer = { fails: false, asked: 0 };

@Agent({ role: 'answerer', capabilities: ['answering'] })
class Answerer {
  @Handle(QuestionAsked)
  answer({ n }: QuestionAsked): object {
    answerer.asked++;
    if (answerer.fails) throw new Error('the answerer is not well');
    return { n };
  }
}

@Agent({ role: 'asker', concurrency: 7 })
class Asker {}

class AskerModule {}

interface Health {
  readonly status: string;
  readonly details: Readonly<Record<string, { status: string; circuits?: unknown }>>;
}

describe('circuit breakers', () => {
  const system = new TestSystem({
    CIRCUIT_MINIMUM_VOLUME: String(VOLUME),
    CIRCUIT_OPEN_TIME: '0.3',
    // Too rare to be what anybody learns it from.
    REGISTRY_HEARTBEAT_INTERVAL: '600',
    REGISTRY_AGENT_TIMEOUT: '2400',
  });
  const changes: CircuitChange[] = [];
  let responder: INestApplicationContext;
  let witness: INestApplicationContext;
  let asker: INestApplication;
  let breakers: CircuitBreakers;

  const startAnswerer = () => system.start({ id: 'answerer-1', controllers: [Answerer] });
  const known = () => asker.get(AgentRegistry).find({ id: 'answerer-1' })[0];

  beforeAll(async () => {
    responder = await startAnswerer();
    witness = await system.start({ id: 'asker-2', controllers: [Asker], imports: [DistributionModule] });
    const settings = { ...system.settings, agentId: 'asker-1', ephemeral: true };
    const module: DynamicModule = {
      module: AskerModule,
      imports: [AgentModule.forRoot({ settings, store: system.store }), DistributionModule],
      controllers: [Asker],
    };
    asker = await NestFactory.create(module, { logger: ['error', 'warn'] });
    asker.connectMicroservice({ strategy: asker.get(AgentServer) }, { inheritAppConfig: true });
    await asker.listen(0);
    await asker.startAllMicroservices();
    breakers = asker.get(CircuitBreakers);
    breakers.changes.subscribe((change) => changes.push(change));
  });
  afterAll(async () => {
    await asker?.close();
    await system.close();
  });
  beforeEach(() => {
    answerer.fails = false;
  });

  /** Through the circuit, to the instance that the registry knows. */
  const ask = async (instance = known()?.instance ?? ''): Promise<unknown> =>
    breakers.run({ id: 'answerer-1', instance }, () =>
      asker.get(AgentClient).request({ agent: 'answerer-1' }, QuestionAsked, { n: 1 }),
    );
  const open = async (): Promise<void> => {
    answerer.fails = true;
    await until('the circuit to be open', async () => {
      await ask().catch(() => undefined);
      return breakers.isOpen('answerer-1');
    });
  };
  const close = async (): Promise<void> => {
    answerer.fails = false;
    await until('a probe to be due', () => !breakers.isOpen('answerer-1'), WAIT_MS);
    await ask();
  };
  const circuitsOfAsker = (seenBy: INestApplicationContext) =>
    seenBy.get(AgentRegistry).find({ id: 'asker-1' })[0]?.circuits;
  const health = async (): Promise<Health> => (await fetch(`${await asker.getUrl()}/health`)).json() as Promise<Health>;
  const metric = async (): Promise<string | undefined> => {
    const text = await (await fetch(`${await asker.getUrl()}/metrics`)).text();
    return /^agentmq_circuit_state\{agent="answerer-1"\} (\d)$/m.exec(text)?.[1];
  };

  it('nothing is sent to an agent that fails; others see it, and that it is well again', async () => {
    expect(await ask()).toEqual({ n: 1 });
    expect((await health()).details['circuit_breakers']).toEqual({ status: 'up', circuits: [] });
    await open();
    const { asked } = answerer;
    await expect(ask()).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', agentId: 'answerer-1', retryable: true });
    await expect(ask()).rejects.toBeInstanceOf(CircuitOpenError);
    expect(answerer.asked).toBe(asked);

    const failing = [
      { agent: 'answerer-1', state: expect.stringMatching(/^(open|half_open)$/), since: expect.any(String) },
    ];
    await until('the witness to see it', () => circuitsOfAsker(witness)?.length === 1, WAIT_MS);
    expect(circuitsOfAsker(witness)).toEqual(failing);
    expect(breakers.states()).toEqual(failing);

    await close();
    expect(breakers.state('answerer-1')).toBe('closed');
    await until('the witness to see that it is over', () => circuitsOfAsker(witness)?.length === 0, WAIT_MS);
    expect(changes.map(({ state }) => state).filter((state, n, all) => state !== all[n - 1])).toEqual([
      'open',
      'half_open',
      'closed',
    ]);
    expect(changes[0]).toMatchObject({ agent: 'answerer-1', instance: known()?.instance });
  });

  it('/health is degraded, not down, and /metrics has its state, as long as it lasts', async () => {
    await open();
    // In between it may be time for a probe.
    await until('it to be told', async () => {
      await ask().catch(() => undefined);
      const { status, details } = await health();
      expect(status).not.toBe('error');
      return details['circuit_breakers']?.status === 'degraded' && (await metric()) === '2';
    });
    await close();
    expect((await health()).details['circuit_breakers']).toEqual({ status: 'up', circuits: [] });
    expect(await metric()).toBe('0');
  });

  it('a new instance of the agent starts with a closed circuit', async () => {
    await open();
    const old = known()?.instance as string;
    await responder.close();
    await until('the old instance to be gone', () => breakers.state('answerer-1') === 'closed', WAIT_MS);
    expect(await metric()).toBeUndefined();
    answerer.fails = false;
    responder = await startAnswerer();
    await until('the new instance', () => known() !== undefined, WAIT_MS);
    expect(await ask()).toEqual({ n: 1 });
    await open();
    // Who has chosen it before its restart reaches the new one, whose circuit counts.
    await expect(ask(old)).rejects.toBeInstanceOf(CircuitOpenError);
    await close();
  });

  it('a killed agent that registers anew starts with a closed circuit', async () => {
    await open();
    const role = { role: 'answerer', capabilities: ['answering'], version: '1', concurrency: 1 };
    await system.store.agents.register({ id: 'answerer-1', instance: 'after-a-kill', ...role });
    await asker.get(AgentRegistry).heartbeat();
    expect(known()?.instance).toBe('after-a-kill');
    expect(breakers.state('answerer-1')).toBe('closed');
  });

  it('remembers no more circuits than it should', async () => {
    const agent = { id: 'first', instance: 'first' };
    const fails = () => Promise.reject(new Error('not well'));
    for (let n = 0; n < VOLUME; n++) await expect(breakers.run(agent, fails)).rejects.toThrow('not well');
    expect(breakers.state('first')).not.toBe('closed');
    for (let n = 0; n < 10_000; n++) await breakers.run({ id: `other-${n}`, instance: 'i' }, () => Promise.resolve());
    expect(breakers.state('first')).toBe('closed');
    expect(breakers.states()).toEqual([]);
  });

  it('the registry tells how much an agent does at once', async () => {
    expect(witness.get(AgentRegistry).find({ id: 'asker-1' })[0]?.concurrency).toBe(7);
    expect((await system.store.agents.read()).agents.find(({ id }) => id === 'asker-1')?.concurrency).toBe(7);
  });
});
