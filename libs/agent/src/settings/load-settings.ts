import {
  type GivenOptions,
  kindOf,
  readSettings,
  type ReadSettings,
  SettingsError,
  shown,
  type Sources,
  type Variables,
} from 'agentmq/settings';
import { healthPaths } from 'agentmq/telemetry';
import type { AgentModuleOptions } from '../agent-options.js';
import type { AgentSettingsOptions } from './settings-options.js';
import { AgentSettings, OFF } from './settings.js';

/** The defaults of an app that differs from the others, by variable. */
export type OwnDefaults = Readonly<Record<string, string>>;

/**
 * Reads the settings from environment variables, and from the file that `AGENTMQ_CONFIG` names; an empty variable counts as
 * not given. What `code` gives wins. Throws {@link SettingsError} with every problem at once.
 */
export const loadSettings = (
  variables: Variables = process.env,
  defaults: OwnDefaults = {},
  code?: GivenOptions,
): AgentSettings => load({ variables, defaults, ...(code ? { code } : {}) }).settings;

/** The same, with what was given. */
export const loadSettingsFrom = (variables: Variables): LoadedSettings => load({ variables });

interface LoadedSettings extends Pick<ReadSettings, 'given'> {
  readonly settings: AgentSettings;
}

/** The settings of an app: what `AgentModule` was given counts before the environment. Throws {@link SettingsError}. */
export function settingsFor(options: AgentModuleOptions): AgentSettings {
  const problems = misplacedIn(options);
  if (problems.length > 0) throw new SettingsError(problems);
  const { settings = {} } = options;
  return isComplete(settings) ? settings : loadSettings(undefined, {}, { options: settings, origin: ORIGIN });
}

const ORIGIN = 'AgentModule.forRoot';

const OPTIONS = {
  settings: true,
  hub: true,
  store: true,
  sealingKeys: true,
  dataSource: true,
  currentTransaction: true,
} as const satisfies Readonly<Record<keyof AgentModuleOptions, true>>;

/**
 * What a compiler refuses, if it is asked: it lets a factory return other options than there are, and without `dataSource`, written
 * otherwise, nothing would be one commit.
 */
function misplacedIn(options: unknown): string[] {
  if (!isObject(options)) return [`${ORIGIN}: must be given an object of options`];
  const settings = Object.keys(new AgentSettings());
  const problems = Object.keys(options)
    .filter((key) => !Object.hasOwn(OPTIONS, key))
    .map((key) => {
      if (settings.includes(key)) return `${key}: is a setting: give it as { settings: { ${key}: … } }`;
      return `${shown(key)}: is no option: ${Object.keys(OPTIONS).join(', ')} are`;
    });
  const { settings: given = {}, currentTransaction } = options;
  if (!isObject(given)) problems.push(`settings: must be an object, not ${kindOf(given)}`);
  if (currentTransaction !== undefined && typeof currentTransaction !== 'function')
    problems.push(`currentTransaction: must be a function, not ${kindOf(currentTransaction)}`);
  return problems.map((problem) => `${ORIGIN}: ${problem}`);
}

/** Not a promise that was not awaited, nor a list or a map: they have none of the options. */
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  Object.prototype.toString.call(value) === '[object Object]';

/** Such as {@link loadSettings} returned, or a copy of them. */
const isComplete = (settings: AgentSettings | AgentSettingsOptions): settings is AgentSettings =>
  Object.keys(new AgentSettings()).every((key) => key in settings);

function load(sources: Omit<Sources, 'alsoWrong'>): LoadedSettings {
  const settings = new AgentSettings();
  const { given, problems } = readSettings(settings, { ...sources, alsoWrong: () => [...problemsTogether(settings)] });
  settings.ephemeral = settings.agentId === '';
  if (problems.length > 0) throw new SettingsError(problems, settings);
  return { settings, given };
}

/** Settings that are right by themselves, and wrong beside each other. */
function* problemsTogether({
  registry,
  coordination,
  scaling,
  bus,
  sealing,
  retry,
  http,
  access,
}: AgentSettings): Generator<string> {
  const { healthPath, metricsPath } = http;
  if (metricsPath !== OFF && Object.values(healthPaths(healthPath)).includes(metricsPath))
    yield 'HTTP_METRICS_PATH: must be another path than those of HTTP_HEALTH_PATH';
  if (registry.agentTimeout <= registry.heartbeatInterval)
    yield 'REGISTRY_AGENT_TIMEOUT: must be longer than REGISTRY_HEARTBEAT_INTERVAL';
  if (coordination.electionTimeout < 3 * coordination.leaderHeartbeatInterval)
    yield 'COORDINATION_ELECTION_TIMEOUT: must be at least three times COORDINATION_LEADER_HEARTBEAT_INTERVAL';
  if (scaling.roles.length > 0 && bus.type === 'in_memory')
    yield 'SCALING: needs MESSAGE_BUS_TYPE=rabbitmq or redis, which workers in other processes can reach';
  yield* sealing.readKeys();
  yield* access.problemsTogether();
  if (retry.maxDelay < retry.delay) yield 'RETRY_MAX_DELAY: must not be shorter than RETRY_DELAY';
}
