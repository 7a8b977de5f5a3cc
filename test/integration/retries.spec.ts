import { BadRequestException } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, Ctx, Handle, MessageContext } from 'agentmq/agent';
import { AgentMQError, Contract } from 'agentmq/protocol';
import { IsInt, IsString } from 'class-validator';
import { testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

const QUICK = { attempts: 3, delay: 20, maxDelay: 100 };

@Contract({ type: 'flaky', retry: QUICK })
class Flaky {
  /** How many attempts fail. */
  @IsInt()
  failures!: number;

  @IsString()
  name!: string;
}

@Contract({ type: 'refused', retry: QUICK })
class Refused {
  @IsString()
  how!: string;
}

@Contract({ type: 'endless', retry: { attempts: 1 } })
class Endless {
  @IsString()
  name!: string;
}

@Contract({ type: 'slow_retry', retry: { attempts: 5, delay: 60_000 } })
class SlowRetry {
  @IsString()
  name!: string;
}

class RefusedError extends AgentMQError {
  readonly code = 'REFUSED';
}

function unreliable() {
  const attempts: { name: string; attempt: number; at: number }[] = [];
  const aborted: unknown[] = [];

  @Agent({ role: 'unreliable' })
  class Unreliable {
    @Handle(Flaky)
    flaky({ name, failures }: Flaky, @Ctx() { attempt }: MessageContext): string {
      attempts.push({ name, attempt, at: Date.now() });
      if (attempt <= failures) throw new TypeError(`attempt ${attempt} of ${name}`);
      return 'done';
    }

    @Handle(Refused)
    refuse({ how }: Refused, @Ctx() { attempt }: MessageContext): void {
      attempts.push({ name: how, attempt, at: Date.now() });
      if (how === 'typed') throw new RefusedError('never');
      throw new BadRequestException('never');
    }

    @Handle(Endless, { timeout: 50 })
    async endless({ name }: Endless, @Ctx() { signal, attempt }: MessageContext): Promise<void> {
      attempts.push({ name, attempt, at: Date.now() });
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      aborted.push(signal.reason);
    }

    @Handle(SlowRetry)
    slow({ name }: SlowRetry, @Ctx() { attempt }: MessageContext): void {
      attempts.push({ name, attempt, at: Date.now() });
      throw new Error('not yet');
    }
  }
  return { Unreliable, attempts, aborted };
}

@Agent({ role: 'boss' })
class Boss {}

describe.each([testBus.name, 'in_memory'])('a handler that fails (%s)', (type) => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: type });
  const { Unreliable, attempts, aborted } = unreliable();
  let agents: AgentClient;

  beforeAll(async () => {
    await system.start({ id: 'unreliable-1', controllers: [Unreliable] });
    agents = (await system.start({ id: 'boss-1', controllers: [Boss] })).get(AgentClient);
  });
  afterAll(() => system.close());

  const settled = (id: string, state: string) =>
    until(state, async () => {
      const [delivery] = (await system.store.history.find(id))?.deliveries ?? [];
      return delivery?.state === state ? delivery : undefined;
    });
  const attemptsOf = (name: string) => attempts.filter((each) => each.name === name).map(({ attempt }) => attempt);

  it('is tried again until it succeeds', async () => {
    const { messageId } = await agents.send({ role: 'unreliable' }, Flaky, { name: 'a', failures: 2 });
    await settled(messageId, 'completed');
    expect(attemptsOf('a')).toEqual([1, 2, 3]);
  });

  it('ends dead after the last attempt, with the history of all', async () => {
    const { messageId } = await agents.send({ role: 'unreliable' }, Flaky, { name: 'b', failures: 9 });
    const delivery = await settled(messageId, 'dead');
    expect(attemptsOf('b')).toEqual([1, 2, 3]);
    expect(delivery.error).toMatchObject({ name: 'TypeError', message: 'attempt 3 of b' });
    expect(delivery.error?.stack).toContain('retries.spec');
    expect(delivery.history).toMatchObject(
      [1, 2, 3].map((attempt) => ({ agentId: 'unreliable-1', error: { message: `attempt ${attempt} of b` } })),
    );
    const times = delivery.history.map(({ at }) => at.getTime());
    expect(times).toEqual(times.toSorted((x, y) => x - y));
  });

  it.each([
    ['typed', 'REFUSED'],
    ['http', 'HANDLER_FAILED'],
  ])('is not tried again for an error that is final (%s)', async (how, code) => {
    const { messageId } = await agents.send({ role: 'unreliable' }, Refused, { how });
    expect((await settled(messageId, 'dead')).error).toMatchObject({ code });
    expect(attemptsOf(how)).toEqual([1]);
  });

  it('fails when its time is over, and sees its signal abort', async () => {
    const { messageId } = await agents.send({ role: 'unreliable' }, Endless, { name: 'e' });
    expect((await settled(messageId, 'dead')).error).toMatchObject({ code: 'HANDLER_TIMEOUT', retryable: true });
    await until('the abort', () => aborted.length === 1);
    expect(aborted[0]).toMatchObject({ code: 'HANDLER_TIMEOUT' });
  });

  it('is not tried again when somebody waits for the answer, who decides', async () => {
    await expect(agents.request({ role: 'unreliable' }, Flaky, { name: 'asked', failures: 9 })).rejects.toMatchObject({
      message: 'attempt 1 of asked',
    });
    expect(attemptsOf('asked')).toEqual([1]);
  });

  it('is no open dead letter when its asker was told', async () => {
    const ask = agents.request({ role: 'unreliable' }, Flaky, { name: 'told', failures: 9 });
    await expect(ask).rejects.toMatchObject({ message: 'attempt 1 of told' });
    const told = await until('the record', async () => {
      const dead = await system.store.history.list({ state: 'dead', type: 'flaky', discarded: true });
      return dead.find(({ message }) => message.body.includes('told'))?.deliveries[0]?.discarded;
    });
    expect(told).toMatchObject({ reason: 'its asker was told' });
  });

  it('expires between retries, by its time to live', async () => {
    const { messageId } = await agents.send({ role: 'unreliable' }, SlowRetry, { name: 's' }, { ttl: 1_500 });
    await settled(messageId, 'retrying');
    await settled(messageId, 'expired');
    expect(attemptsOf('s')).toEqual([1]);
  }, 30_000);
});
