import { readSettings, type ReadSettings, SettingsError, type Variables } from 'agentmq/settings';
import { AgentSettings } from './settings.js';

/** The defaults of an app that differs from the others, by variable. */
export type OwnDefaults = Readonly<Record<string, string>>;

/**
 * Reads the settings from environment variables, and from the file that `AGENTMQ_CONFIG` names; an empty variable counts as
 * not given. Throws {@link SettingsError} with every problem at once.
 */
export const loadSettings = (variables: Variables = process.env, defaults: OwnDefaults = {}): AgentSettings =>
  loadSettingsFrom(variables, defaults).settings;

/** The same, with what was given. */
export function loadSettingsFrom(
  variables: Variables,
  defaults: OwnDefaults = {},
): Pick<ReadSettings, 'given'> & { readonly settings: AgentSettings } {
  const settings = new AgentSettings();
  const { given, problems } = readSettings(settings, variables, defaults, () => wrongTogether(settings));
  settings.ephemeral = settings.agentId === '';
  if (problems.length > 0) throw new SettingsError(problems);
  return { settings, given };
}

/** Settings that are right by themselves, and wrong beside each other. */
function* problemsTogether({ registry, coordination, scaling, bus, sealing, retry }: AgentSettings): Generator<string> {
  if (registry.agentTimeout <= registry.heartbeatInterval)
    yield 'REGISTRY_AGENT_TIMEOUT: must be longer than REGISTRY_HEARTBEAT_INTERVAL';
  if (coordination.electionTimeout < 3 * coordination.leaderHeartbeatInterval)
    yield 'COORDINATION_ELECTION_TIMEOUT: must be at least three times COORDINATION_LEADER_HEARTBEAT_INTERVAL';
  if (scaling.roles.length > 0 && bus.type === 'in_memory')
    yield 'SCALING: needs MESSAGE_BUS_TYPE=rabbitmq or redis, which workers in other processes can reach';
  yield* sealing.readKeys();
  if (retry.maxDelay < retry.delay) yield 'RETRY_MAX_DELAY: must not be shorter than RETRY_DELAY';
}

const wrongTogether = (settings: AgentSettings): string[] => [...problemsTogether(settings)];
