import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, Handle } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { Transform, Type } from 'class-transformer';
import { IsBoolean, IsDate, IsNumber, IsObject, IsOptional } from 'class-validator';
import { TestSystem } from './agents.js';

@Contract({ type: 'offer' })
class Offer {
  @IsNumber()
  @Transform(({ value }: { value: number }) => value * 100)
  price!: number;

  @IsBoolean()
  @Transform(({ value }) => value === 'true')
  urgent!: boolean;

  @IsOptional()
  @IsDate()
  @Type(() => Date)
  until?: Date;

  @IsOptional()
  @IsObject()
  more?: object;
}

const text = (value: string) => value as unknown as boolean;

describe('a payload', () => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
  let agents: AgentClient;
  let received: Offer | undefined;

  @Agent({ role: 'shop' })
  class Shop {
    @Handle(Offer)
    offer(offer: Offer): { keys: number } {
      received = offer;
      if (offer.price < 0) return { keys: NaN };
      return { keys: Object.keys(offer.more ?? {}).length };
    }
  }

  beforeAll(async () => {
    agents = (await system.start({ id: 'shop-1', controllers: [Shop] })).get(AgentClient);
  });
  afterAll(() => system.close());

  const ask = (offer: Offer) => agents.request({ role: 'shop' }, Offer, offer);

  it('is sent as it was given, and transformed once, by its receiver', async () => {
    const until = new Date(5_000);
    await ask({ price: 5, urgent: text('true'), until });
    expect(received).toEqual({ price: 500, urgent: true, until });
    await ask(Object.assign(new Offer(), { price: 5, urgent: text('no') }));
    expect(received).toMatchObject({ price: 500, urgent: false });
  });

  it('of 100,000 keys of its own is answered in little time', async () => {
    const more = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`key ${i}`, i]));
    const sent = performance.now();
    expect(await ask({ price: 5, urgent: true, more })).toEqual({ keys: 100_000 });
    // 20 s for a sender and a receiver that are quadratic in them
    expect(performance.now() - sent).toBeLessThan(5_000);
  });

  it('of an answer that JSON would change in silence is an error for its asker, with the field', async () => {
    await expect(ask({ price: -1, urgent: true })).rejects.toThrow(/keys is NaN/);
  });

  it.each([
    ['NaN', { ratio: NaN }, /more\.ratio is NaN/],
    ['a Map', new Map(), /more is a Map/],
    ['a Buffer', { bytes: Buffer.from('x') }, /more\.bytes is a Buffer/],
  ])('with %s is refused to its sender, with the field', async (_, more, problem) => {
    await expect(ask({ price: 5, urgent: true, more })).rejects.toThrow(problem);
  });
});
