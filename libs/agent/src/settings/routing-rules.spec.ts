import { describe, expect, it } from '@jest/globals';
import { loadSettings } from './load-settings.js';
import { SettingsError } from 'agentmq/settings';

const read = (text: string) => loadSettings({ ROUTING_RULES: text }).coordination.routingRules;

function problemsOf(variables: Record<string, string>): readonly string[] {
  try {
    loadSettings(variables);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
  }
  return [];
}

describe('ROUTING_RULES', () => {
  it.each(['', ' ', ' ; '])('is no rule for "%s"', (text) => {
    expect(read(text)).toEqual([]);
  });

  it('reads patterns, targets of every kind in order, and priorities', () => {
    expect(read('nlp_*=specialist, agent:s-1 ,capability:text_*; price_*=role:pricing @ 10;')).toEqual([
      {
        pattern: 'nlp_*',
        targets: [{ role: 'specialist' }, { agent: 's-1' }, { capability: 'text_*' }],
        priority: 0,
      },
      { pattern: 'price_*', targets: [{ role: 'pricing' }], priority: 10 },
    ]);
  });

  it.each([
    ['nlp_*', '"nlp_*": must be pattern=target'],
    ['=specialist', '"=specialist": pattern: "" is not'],
    ['n p=specialist', '"n p=specialist": pattern: "n p" is not'],
    ['nlp_*=', '"nlp_*=": role: "" is not'],
    ['nlp_*=a,', '"nlp_*=a,": role: "" is not'],
    ['nlp_*=worker*', '"nlp_*=worker*": role: "worker*" is not'],
    ['nlp_*=agent:', '"nlp_*=agent:": agent: "" is not'],
    ['nlp_*=topic:x', '"nlp_*=topic:x": role: "topic:x" is not'],
    ['nlp_*=a@high', '"nlp_*=a@high": priority: "high" is not a whole number'],
    ['nlp_*=a@', '"nlp_*=a@": priority: "" is not a whole number'],
    ['nlp_*=a=b', '"nlp_*=a=b": role: "a=b" is not'],
  ])('refuses %s, and says what is wrong', (value, problem) => {
    expect(problemsOf({ ROUTING_RULES: value })).toEqual([expect.stringContaining(`ROUTING_RULES: ${problem}`)]);
  });

  it('tells every rule that is wrong, with all else that is', () => {
    const problems = problemsOf({ ROUTING_RULES: 'a; b=c; =d', HTTP_PORT: 'none' });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(['HTTP_PORT', 'ROUTING_RULES', 'ROUTING_RULES']);
  });
});
