import { type AgentSettings, type AgentSettingsOptions, loadSettings } from 'agentmq/agent';

/** The schema, and the prefix of all names, of every test system: each has a database and a bus of its own. */
export const TEST_NAMESPACE = 'agentmq_test';

/** How long an app's handlers may take when it stops: a test does not wait for one that hangs. */
const SHUTDOWN_TIMEOUT_S = 1;

/** The defaults, in memory, and nothing of the environment. Throws `SettingsError`. */
export function testSettings(
  id: string | undefined,
  systems: AgentSettingsOptions = {},
  own: AgentSettingsOptions = {},
): AgentSettings {
  const variables = {
    NAMESPACE: TEST_NAMESPACE,
    MESSAGE_BUS_TYPE: 'in_memory',
    MESSAGE_BUS_START: 'fail',
    SHUTDOWN_TIMEOUT: String(SHUTDOWN_TIMEOUT_S),
    SEALING: 'off',
    ...(id === undefined ? {} : { AGENT_ID: id }),
  };
  return loadSettings(variables, {}, { options: laid(systems, own), origin: 'TestSystem' });
}

/** Both; where both have a section, the names of both, and of one name what `over` says. */
function laid(under: object, over: object): object {
  const both = new Map<string, unknown>(Object.entries(under));
  for (const [name, value] of Object.entries(over)) {
    const known = both.get(name);
    both.set(name, isSection(known) && isSection(value) ? { ...known, ...value } : (value ?? known));
  }
  return Object.fromEntries(both);
}

const isSection = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
