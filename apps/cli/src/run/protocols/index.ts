import type { Team } from '../team.js';
import { TooFewAgentsError } from './errors.js';
import { Narrator } from './narrator.js';

/** Rejects with `ProtocolFailedError` when the agents did not come to what the protocol promises. */
type Protocol = (team: Team, agents: number, narrator: Narrator) => Promise<void>;

const protocols: Readonly<Record<string, { readonly least: number; readonly load: () => Promise<Protocol> }>> = {
  'leader-election': { least: 3, load: async () => (await import('./leader-election.js')).leaderElection },
  consensus: { least: 1, load: async () => (await import('./consensus.js')).consensus },
};

export const protocolNames = Object.keys(protocols);

/**
 * Has agents in this process go through a protocol, and tells on stdout what each of them does. Rejects with
 * `TooFewAgentsError`, `SettingsError`, `ProtocolFailedError`, or what the agents themselves rejected with.
 */
export async function runProtocol(name: string, agents: number): Promise<void> {
  const protocol = protocols[name];
  if (!protocol) throw new TypeError(`there is no protocol ${name}`);
  if (agents < protocol.least) throw new TooFewAgentsError(name, protocol.least);
  const { runSettings } = await import('../run-settings.js');
  const settings = runSettings();
  const [{ Team: Agents }, carryOut] = await Promise.all([import('../team.js'), protocol.load()]);
  const team = await Agents.open(settings);
  try {
    await carryOut(team, agents, new Narrator(`agent-${agents}`.length));
  } finally {
    await team.stop();
  }
}
