import { afterEach, describe, expect, it } from '@jest/globals';
import { Agent, AgentRegistry, Handle } from 'agentmq/agent';
import { BrokerUnavailableError } from 'agentmq/broker';
import { StoreUnavailableError } from 'agentmq/database';
import { Contract } from 'agentmq/protocol';
import { IsString } from 'class-validator';
import { TestSystem, type TestSystemOptions } from './index.js';

@Contract({ type: 'order' })
class Order {
  @IsString() what!: string;
}

@Contract({ type: 'glance', durable: false })
class Glance {
  @IsString() at!: string;
}

let runs = 0;
let finish = (): void => undefined;

@Agent({ role: 'shop' })
class Shop {
  constructor(readonly registry: AgentRegistry) {}

  @Handle(Order)
  async order({ what }: Order): Promise<void> {
    runs++;
    if (what === 'wait') await new Promise<void>((resolve) => (finish = resolve));
  }

  @Handle(Glance)
  glance(): void {}
}

describe('faults of a test system', () => {
  let system: TestSystem;
  const create = async (options: TestSystemOptions = {}): Promise<void> => {
    runs = 0;
    system = await TestSystem.create({ controllers: [Shop], logger: false, ...options });
  };
  afterEach(() => system.close());

  it('what was sent while the broker was away goes out when it is back, and what was being handled comes again', async () => {
    await create({ clock: true });
    await system.send({ role: 'shop' }, Order, { what: 'wait' });
    await system.advance(10);
    expect(runs).toBe(1);
    system.broker.stop();
    await system.send({ role: 'shop' }, Order, { what: 'tea' });
    await expect(system.send({ role: 'shop' }, Glance, { at: 'tea' })).rejects.toThrow(BrokerUnavailableError);
    await system.advance(60_000);
    expect(runs).toBe(1);
    system.broker.start();
    finish();
    await system.advance(60_000);
    await system.quiet();
    expect(await system.handled(Order)).toMatchObject([{ payload: { what: 'wait' } }, { payload: { what: 'tea' } }]);
  });

  it('apps are refused while the database is away, and go on when it is back', async () => {
    await create({ clock: true });
    system.database.stop();
    await expect(system.send({ role: 'shop' }, Order, { what: 'tea' })).rejects.toThrow(StoreUnavailableError);
    system.database.start();
    await system.advance(60_000);
    await system.send({ role: 'shop' }, Order, { what: 'coffee' });
    await system.advance(60_000);
    expect(await system.handled(Order)).toMatchObject([{ payload: { what: 'coffee' } }]);
  });

  it('what is delivered twice is handled once', async () => {
    await create({ duplicates: true });
    await system.send({ role: 'shop' }, Order, { what: 'tea' });
    await system.quiet();
    expect(runs).toBe(1);
    // The test itself is no agent of the system.
    expect(
      system
        .get(Shop)
        .registry.find({})
        .map(({ role }) => role),
    ).toEqual(['shop']);
  });
});
