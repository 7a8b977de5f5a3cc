import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, Handle } from 'agentmq/agent';
import { Contract, fromWire, toRole } from 'agentmq/protocol';
import { Broker } from 'agentmq/broker';
import { IsInt, IsString } from 'class-validator';
import { nowhere, testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'step' })
class Step {
  @IsInt()
  n!: number;
}

@Contract({ type: 'block' })
class Block {
  @IsString()
  gate!: string;
}

@Contract({ type: 'odd_throw', retry: { attempts: 1 } })
class OddThrow {
  @IsString()
  kind!: string;
}

const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;

/** What a handler may return, and no answer can be made of. */
const ODD_RESULTS: Readonly<Record<string, unknown>> = {
  bigint: { id: 10n },
  cyclic,
  function: () => 1,
  getter: {
    get value(): never {
      throw new Error('of the getter');
    },
  },
  toJSON: {
    toJSON: (): never => {
      throw new Error('of toJSON');
    },
  },
  large: 'x'.repeat(2 * 1024 * 1024),
};

@Contract({ type: 'odd_result' })
class OddResult {
  @IsString()
  kind!: string;
}

function worker() {
  const steps: number[] = [];
  const effects: string[] = [];
  let open = () => {};

  @Agent({ role: 'stepper', concurrency: 1, prefetch: 50 })
  class Stepper {
    @Handle(Step)
    step({ n }: Step): void {
      steps.push(n);
    }

    @Handle(Block)
    block(): Promise<void> {
      return new Promise((resolve) => (open = resolve));
    }

    @Handle(OddResult)
    returnOddly({ kind }: OddResult): unknown {
      effects.push(kind);
      return ODD_RESULTS[kind];
    }

    @Handle(OddThrow)
    throwOddly({ kind }: OddThrow): never {
      const cyclic: Record<string, unknown> = { message: 'cyclic' };
      cyclic['self'] = cyclic;
      cyclic['details'] = { big: 1n, cyclic };
      throw kind === 'bare' ? Object.create(null) : cyclic;
    }
  }
  return { Stepper, steps, effects, open: () => open() };
}

@Agent({ role: 'boss' })
class Boss {}

describe.each(['in_memory', testBus.name])('what becomes of a message (%s)', (busType) => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: busType, MESSAGE_BUS_MAX_MESSAGE_BYTES: String(1024 * 1024) });
  const { Stepper, steps, effects, open } = worker();
  let agents: AgentClient;

  beforeAll(async () => {
    await system.start({ id: 'stepper-1', controllers: [Stepper] });
    agents = (await system.start({ id: 'boss-1', controllers: [Boss] })).get(AgentClient);
  });
  afterAll(() => system.close());

  const stateOf = async (id: string) => (await system.store.history.find(id))?.deliveries[0]?.state;

  it('one that expires while it waits is not handled, and recorded as expired', async () => {
    const blocking = await agents.send({ role: 'stepper' }, Block, { gate: 'a' });
    await until('the block', async () => (await stateOf(blocking.messageId)) === 'processing');
    const sent = await Promise.all([1, 2, 3].map((n) => agents.send({ role: 'stepper' }, Step, { n }, { ttl: 300 })));
    await until('their end', () => sent.every(({ expiresAt }) => (expiresAt?.getTime() ?? 0) < Date.now()));
    open();
    for (const { messageId } of sent) {
      await until('the record', async () => (await stateOf(messageId)) === 'expired');
    }
    expect(steps).toEqual([]);
  });

  it.each(['bare', 'cyclic'])(
    'one whose handler throws what has no text (%s) ends dead, after one attempt',
    async (kind) => {
      const { messageId } = await agents.send({ role: 'stepper' }, OddThrow, { kind });
      await until('the record', async () => (await stateOf(messageId)) === 'dead');
      expect((await system.store.history.find(messageId))?.deliveries[0]?.attempt).toBe(1);
      await expect(agents.request({ role: 'stepper' }, OddThrow, { kind })).rejects.toMatchObject({ retryable: false });
    },
  );

  it.each(Object.keys(ODD_RESULTS))(
    'one whose handler returns what no answer can be made of (%s) is completed, and only its asker is told',
    async (kind) => {
      effects.length = 0;
      const { messageId } = await agents.send({ role: 'stepper' }, OddResult, { kind });
      await until('the record', async () => (await stateOf(messageId)) === 'completed');
      const code = kind === 'large' ? 'MESSAGE_TOO_LARGE' : 'ANSWER_NOT_ENCODABLE';
      const asking = agents.request({ role: 'stepper' }, OddResult, { kind });
      await expect(asking).rejects.toMatchObject({ remote: { code, retryable: false } });
      const [asked] = await system.store.history.list({ type: 'odd_result', limit: 1, state: 'dead' });
      expect(asked).toBeUndefined();
      expect(effects).toEqual([kind, kind]);
    },
  );

  it('a bad name is told by a rejection', async () => {
    await expect(agents.send({ role: 'no such role' }, Step, { n: 1 })).rejects.toThrow(/^role: /);
    await expect(agents.publish('a..b', Step, { n: 1 })).rejects.toThrow(/^topic: /);
  });
});

describe('a claim that somebody else holds', () => {
  const system = new TestSystem();
  const { Stepper, steps } = worker();
  afterAll(() => system.close());

  it('is waited for, and taken over when its lease ends', async () => {
    const stepper = await system.start({ id: 'stepper-2', controllers: [Stepper] });
    const body = Buffer.from('{"n":7}');
    const wire = { properties: { type: 'step', messageId: 'held-elsewhere', headers: {} }, body };
    const { message } = fromWire(toRole('stepper'), wire);
    await system.store.deliveries.record([message]);
    const claim = {
      messageId: 'held-elsewhere',
      consumer: 'role.stepper',
      copy: '',
      redelivered: false,
      attempts: 5,
      alone: false,
    };
    expect(await system.store.deliveries.claim([claim], 'ghost', 1_500)).toMatchObject([
      { outcome: 'claimed', attempt: 1 },
    ]);
    await stepper.get(Broker).publish({ ...wire, recipient: toRole('stepper'), mandatory: true, persistent: true });
    await until('the take-over', () => steps.includes(7));
    const done = await until('completion', async () => {
      const [delivery] = (await system.store.history.find('held-elsewhere'))?.deliveries ?? [];
      return delivery?.state === 'completed' ? delivery : undefined;
    });
    expect(done.attempt).toBe(2);
  });
});

describe('a broker that is away at the start', () => {
  it('keeps nobody from sending durable messages', async () => {
    const system = new TestSystem({
      ...testBus.environment(await nowhere(testBus.sharedUrl())),
      MESSAGE_BUS_START: 'degraded',
    });
    const agents = (await system.start({ id: 'boss-2', controllers: [Boss] })).get(AgentClient);
    const sent = await until('a send to succeed', () =>
      agents.send({ role: 'stepper' }, Step, { n: 1 }).catch(() => undefined),
    );
    expect(await system.store.history.find(sent.messageId)).toMatchObject({ published: false });
    await system.close();
  });
});
