import { describe, expect, it } from '@jest/globals';
import { type AgentRegistry, globMatcher, type RegisteredAgent } from 'agentmq/agent';
import type { Destination } from '../distribution/destination.js';
import { isFor } from './role-backlog.js';

type Known = Pick<RegisteredAgent, 'id' | 'role' | 'health' | 'capabilities'>;

/** As far as these tests ask. */
const agentsOf = (known: readonly Known[]): Pick<AgentRegistry, 'find'> => ({
  find: (query) => {
    const { id, role, capability, health = 'healthy' } = query ?? {};
    return known.filter(
      (agent) =>
        (id === undefined || agent.id === id) &&
        (role === undefined || agent.role === role) &&
        (capability === undefined || agent.capabilities.some(globMatcher(capability))) &&
        (health === 'any' || agent.health === health),
    ) as RegisteredAgent[];
  },
});
const agent = (id: string, role: string, health: Known['health'], ...capabilities: string[]): Known => ({
  id,
  role,
  health,
  capabilities,
});
const routing = (targets?: readonly Destination[]) => ({ find: () => (targets ? { targets } : undefined) });

const agents = agentsOf([
  agent('w1', 'worker', 'healthy', 'resize', 'crop'),
  agent('s1', 'specialist', 'stopped', 'nlp_words'),
]);

describe('tasks', () => {
  it.each<[string, Destination, string, boolean]>([
    ['for a role', { role: 'worker' }, 'worker', true],
    ['for another role', { role: 'specialist' }, 'worker', false],
    ['for a role that nobody has', { role: 'baker' }, 'baker', true],
    ['for one of its agents', { agent: 'w1' }, 'worker', false],
    ['for a capability of its agents', { capability: 'resize' }, 'worker', true],
    ['for a glob that matches one', { capability: 'res*' }, 'worker', true],
    ['for a capability that its agents lack', { capability: 'bake' }, 'worker', false],
    ['for one that agents had who are gone', { capability: 'nlp_*' }, 'specialist', true],
  ])('%s', (_, to, role, expected) => {
    expect(isFor(role, to, agents, routing())).toBe(expected);
  });

  it('for a capability that a rule gives to a role are for that role, whether or not it declares it', () => {
    const rule = routing([{ role: 'worker' }]);
    expect(isFor('worker', { capability: 'bake' }, agents, rule)).toBe(true);
    expect(isFor('specialist', { capability: 'nlp_words' }, agents, rule)).toBe(false);
  });

  it('are for the first choice even when nobody is there, and then for the fallback that does them', () => {
    const rule = routing([{ role: 'specialist' }, { agent: 'x1' }, { role: 'worker' }, { role: 'baker' }]);
    const wanted = ['specialist', 'worker', 'baker'].filter((role) =>
      isFor(role, { capability: 'bake' }, agents, rule),
    );
    expect(wanted).toEqual(['specialist', 'worker']);
  });
});
