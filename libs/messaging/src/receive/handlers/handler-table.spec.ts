import { describe, expect, it } from '@jest/globals';
import { Contract, contractOf, type Message, type Recipient, toRole, toTopic } from 'agentmq/protocol';
import { Metrics } from 'agentmq/telemetry';
import { MessageMetrics } from '../../message-metrics.js';
import type { Handler } from './handler.js';
import { HandlerTable } from './handler-table.js';

@Contract({ type: 'priced' })
class Priced {}

@Contract({ type: 'priced', version: 3, upcast: { 2: (given) => given as object } })
class PricedLater {}

@Contract({ type: 'told', transactional: true, retry: { attempts: 9 } })
class Told {}

const defaults = { retry: { attempts: 5, delay: 1, factor: 2, maxDelay: 3 }, handlerTimeoutMs: 1_000 };
const handler = (contract: new () => object, options: Partial<Handler> = {}): Handler => ({
  contract: contractOf(contract),
  handle: () => undefined,
  ...options,
});
const message = (type: string, version: number, recipient: Recipient = toRole('a')): Message =>
  ({ type, version, recipient }) as Message;
const tableOf = (...handlers: Handler[]): HandlerTable =>
  new HandlerTable(handlers, defaults, new MessageMetrics(new Metrics()));

describe('HandlerTable', () => {
  it('finds the handlers of the very version, or of the nearest above it that can upcast it', () => {
    const [first, later] = [handler(Priced), handler(PricedLater)];
    const table = tableOf(first, later);
    const found = (version: number) => table.find(message('priced', version))?.handlers;
    expect([1, 2, 3, 4].map(found)).toEqual([[first], [later], [later], undefined]);
    expect(table.find(message('other', 1))).toBeUndefined();
  });

  it('those of a topic by their patterns, apart from those of role, agent and all', () => {
    const [direct, any, sport] = [
      handler(Priced),
      handler(Priced, { topic: 'news.#' }),
      handler(Priced, { topic: 'news.sport.*' }),
    ];
    const table = tableOf(direct, any, sport);
    const found = (topic: string) => table.find(message('priced', 1, toTopic(topic)))?.handlers;
    expect([found('news.sport.ski'), found('news.art'), found('weather')]).toEqual([[any, sport], [any], undefined]);
    expect(table.find(message('priced', 1))?.handlers).toEqual([direct]);
    const isMeant = (topic: string) => table.isMeantFor(message('unknown', 1, toTopic(topic)));
    expect([isMeant('news.art'), isMeant('weather')]).toEqual([true, false]);
  });

  it('however many topics there are', () => {
    const table = tableOf(handler(Priced, { topic: 'news.*' }));
    for (let n = 0; n < 3_000; n++) {
      expect(table.find(message('priced', 1, toTopic(`news.${n}`)))).toBeDefined();
      expect(table.find(message('priced', 1, toTopic(`weather.${n}`)))).toBeUndefined();
    }
  });

  it("completes the handler's limits by the contract's, and these by the settings'", () => {
    const table = tableOf(handler(Priced, { retry: { delay: 7 }, timeout: 50, transactional: true }), handler(Told));
    expect(table.find(message('priced', 1))).toMatchObject({
      policy: { attempts: 5, delay: 7, factor: 2, maxDelay: 3 },
      timeoutMs: 50,
      transactional: true,
    });
    expect(table.find(message('told', 1))).toMatchObject({
      policy: { attempts: 9, delay: 1 },
      timeoutMs: 1_000,
      transactional: true,
    });
  });
});
