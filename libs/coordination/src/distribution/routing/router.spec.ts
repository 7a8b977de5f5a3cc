import { describe, expect, it } from '@jest/globals';
import { loadSettings, type RoutingRule } from 'agentmq/agent';
import fc from 'fast-check';
import { InvalidRuleError, NoRouteError } from './errors.js';
import { Router } from './router.js';

const routerOf = (rules = ''): Router => new Router(loadSettings({ ROUTING_RULES: rules }));

interface Given {
  readonly pattern: string;
  readonly priority: number;
}

const text = (unit: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...unit), minLength: 1, maxLength });
const someRules = fc.array(fc.record({ pattern: text('ab_*', 4), priority: fc.integer({ min: -1, max: 1 }) }), {
  maxLength: 8,
});
const name = text('ab_', 4);

/** A router with these rules, the targets of which are numbered. */
function filled(rules: readonly Given[]): { readonly router: Router; readonly added: RoutingRule[] } {
  const router = routerOf();
  const added = rules.map(({ pattern, priority }, n) => router.addRule(pattern, `target-${n}`, { priority }));
  return { router, added };
}

const expressionOf = (pattern: string) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
const literal = (pattern: string) => pattern.replaceAll('*', '').length;
const rank = ({ pattern, priority }: Given) => priority * 100 + literal(pattern);

describe('a router', () => {
  it('routes by no rule that does not match, and by the first of the highest rank of those that do', () => {
    fc.assert(
      fc.property(someRules, name, (rules, capability) => {
        const { router, added } = filled(rules);
        const matching = added.filter(({ pattern }) => expressionOf(pattern).test(capability));
        const highest = Math.max(...matching.map(rank));
        expect(router.find(capability)).toBe(matching.find((rule) => rank(rule) === highest));
      }),
      { numRuns: 500 },
    );
  });

  it('goes by the order in which rules were added for exact ties alone', () => {
    fc.assert(
      fc.property(someRules, name, fc.infiniteStream(fc.nat()), (rules, capability, order) => {
        const unlike = rules.filter((rule, n) => rules.findIndex((other) => rank(other) === rank(rule)) === n);
        const shuffled = unlike.map((rule) => [order.next().value, rule] as const).sort(([a], [b]) => a - b);
        const found = filled(unlike).router.find(capability);
        const other = filled(shuffled.map(([, rule]) => rule)).router.find(capability);
        expect(other?.pattern).toBe(found?.pattern);
        expect(other?.priority).toBe(found?.priority);
      }),
      { numRuns: 500 },
    );
  });

  it('routes as before once a rule is removed again', () => {
    fc.assert(
      fc.property(
        someRules,
        name,
        text('ab_*', 4),
        fc.integer({ min: -1, max: 2 }),
        (rules, capability, pattern, priority) => {
          const { router } = filled(rules);
          const before = { found: router.find(capability), rules: router.rules };
          const rule = router.addRule(pattern, 'other', { priority });
          expect(router.removeRule(rule)).toBe(true);
          expect(router.removeRule(rule)).toBe(false);
          expect({ found: router.find(capability), rules: router.rules }).toEqual(before);
        },
      ),
    );
  });

  it('has the rules of the settings, and those that are added before them if they rank higher', () => {
    const router = routerOf('nlp_*=specialist,agent:s-1; price_*=capability:quotes@5');
    expect(router.route('nlp_sentiment')).toEqual({
      pattern: 'nlp_*',
      targets: [{ role: 'specialist' }, { agent: 's-1' }],
      priority: 0,
    });
    expect(router.route('price_now').targets).toEqual([{ capability: 'quotes' }]);
    const rule = router.addRule('nlp_sent*', 'linguist', { fallbacks: ['role:specialist'] });
    expect(router.route('nlp_sentiment')).toBe(rule);
    expect(router.rules.map(({ pattern }) => pattern)).toEqual(['price_*', 'nlp_sent*', 'nlp_*']);
    router.removeRule(rule);
    expect(router.route('nlp_sentiment').targets[0]).toEqual({ role: 'specialist' });
  });

  it('says what had no route, and that trying again is no use', () => {
    const route = () => routerOf('nlp_*=specialist').route('price_now');
    expect(route).toThrow(NoRouteError);
    expect(route).toThrow(expect.objectContaining({ code: 'NO_ROUTE', capability: 'price_now', retryable: true }));
  });

  it.each<[string, Parameters<Router['addRule']>]>([
    ['pattern', ['', 'specialist']],
    ['pattern', ['nlp *', 'specialist']],
    ['target', ['nlp_*', '']],
    ['target', ['nlp_*', 'agent:*']],
    ['fallbacks.1', ['nlp_*', 'a', { fallbacks: ['b', 'topic:x'] }]],
    ['priority', ['nlp_*', 'a', { priority: 0.5 }]],
  ])('refuses a rule for its %s', (field, rule) => {
    const router = routerOf();
    expect(() => router.addRule(...rule)).toThrow(InvalidRuleError);
    expect(() => router.addRule(...rule)).toThrow(expect.objectContaining({ field }));
    expect(router.rules).toEqual([]);
  });
});
