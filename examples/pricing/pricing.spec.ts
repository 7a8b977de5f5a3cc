import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TestSystem } from 'agentmq/testing';
import { Price, PriceChanged, PriceList, PriceRequest, PricingModule } from './pricing.module.js';

describe('the pricing agent', () => {
  let system: TestSystem;
  beforeEach(async () => {
    system = await TestSystem.create({
      imports: [PricingModule],
      override: (module) => module.overrideProvider(PriceList).useValue({ centsOf: () => 250 }),
    });
  });
  afterEach(() => system.close());

  it('answers', async () => {
    const price = await system.request({ role: 'pricing' }, PriceRequest, { product: 'tea' }, { answer: Price });
    expect(price).toEqual({ product: 'tea', cents: 250 });
    expect(await system.handled(PriceRequest)).toMatchObject([{ payload: { product: 'tea' }, answer: price }]);
    expect(await system.sent(PriceRequest)).toMatchObject([{ sender: 'test', payload: { product: 'tea' } }]);
  });

  it('tells of a change', async () => {
    await system.send({ role: 'pricing' }, PriceChanged, { product: 'tea', cents: 300 });
    await system.quiet();
    expect(await system.deadLetters()).toEqual([]);
    const sent = await system.sent(PriceChanged);
    expect(sent).toMatchObject([
      { sender: 'test' },
      { payload: { cents: 300 }, recipient: { kind: 'topic', name: 'prices' } },
    ]);
  });
});
