import type { Team } from 'agentmq/agent';
import type { AgentSettings } from 'agentmq';
import { ProtocolFailedError, TooFewAgentsError } from './errors.js';
import { Narrator } from './narrator.js';

/** Rejects with `ProtocolFailedError` when the agents did not come to what the protocol promises. */
type Protocol = (team: Team, agents: number, narrator: Narrator) => Promise<void>;

interface ProtocolEntry {
  /** The agents that it needs. */
  readonly least: number;
  readonly load: () => Promise<Protocol>;
}

const protocols = new Map<string, ProtocolEntry>([
  ['request-response', { least: 2, load: async () => (await import('./request-response.js')).requestResponse }],
  ['publish-subscribe', { least: 3, load: async () => (await import('./publish-subscribe.js')).publishSubscribe }],
  ['broadcast', { least: 2, load: async () => (await import('./broadcast.js')).broadcast }],
  ['direct', { least: 3, load: async () => (await import('./direct.js')).direct }],
  ['task-distribution', { least: 3, load: async () => (await import('./task-distribution.js')).taskDistribution }],
  ['delegation', { least: 4, load: async () => (await import('./delegation.js')).delegation }],
  ['pipeline', { least: 5, load: async () => (await import('./pipeline.js')).pipeline }],
  ['consensus', { least: 1, load: async () => (await import('./consensus.js')).consensus }],
  ['leader-election', { least: 3, load: async () => (await import('./leader-election.js')).leaderElection }],
]);
const ALL = 'all';

export const protocolNames = [...protocols.keys(), ALL];

/**
 * Has agents in this process go through a protocol, or `all` in turn, and tells on stdout what each of them does. Rejects
 * with `TooFewAgentsError`, `SettingsError`, `ProtocolFailedError`, or what the agents themselves rejected with; of `all`
 * each is tried, and `ProtocolFailedError` names the failed ones.
 */
export async function runProtocol(name: string, agents: number): Promise<void> {
  const chosen = name === ALL ? [...protocols] : [...protocols].filter(([key]) => key === name);
  const least = Math.max(...chosen.map(([, protocol]) => protocol.least));
  const [[, only] = []] = chosen;
  if (!only) throw new TypeError(`there is no protocol ${name}`);
  if (agents < least) throw new TooFewAgentsError(name, least);
  const { Team: Agents } = await import('agentmq/agent');
  const settings = Agents.settings();
  if (name === ALL) await goThroughAll(chosen, agents, settings);
  else await goThrough(only, agents, settings);
}

async function goThrough(protocol: ProtocolEntry, agents: number, settings: AgentSettings): Promise<void> {
  const [{ Team: Agents }, carryOut] = await Promise.all([import('agentmq/agent'), protocol.load()]);
  const team = await Agents.open(settings);
  try {
    await Promise.race([carryOut(team, agents, new Narrator(`agent-${agents}`.length)), team.broken]);
  } finally {
    await team.stop();
    // The process is about to end: nothing is to begin.
    if (team.isInterrupted) await new Promise<never>(() => {});
  }
}

async function goThroughAll(
  chosen: readonly (readonly [string, ProtocolEntry])[],
  agents: number,
  settings: AgentSettings,
): Promise<void> {
  const lines: string[] = [];
  const failed: string[] = [];
  const width = Math.max(...chosen.map(([name]) => name.length));
  for (const [name, protocol] of chosen) {
    process.stdout.write(`${lines.length > 0 ? '\n' : ''}== ${name}: ${agents} agents ==\n`);
    const started = performance.now();
    const problem = await goThrough(protocol, agents, settings).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : 'for a reason that it does not give'),
    );
    const seconds = ((performance.now() - started) / 1_000).toFixed(1).padStart(6);
    const outcome = problem === undefined ? 'passed' : `failed  ${problem}`;
    if (problem !== undefined) failed.push(name);
    lines.push(`${seconds} s  ${name.padEnd(width)}  ${outcome}\n`);
  }
  process.stdout.write(
    `\n== summary: ${chosen.length - failed.length} of ${chosen.length} passed ==\n${lines.join('')}`,
  );
  if (failed.length > 0) throw new ProtocolFailedError(`failed: ${failed.join(', ')}`);
}
