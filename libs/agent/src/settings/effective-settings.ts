import type { Variables } from './given.js';
import { readEnvironment } from './read-environment.js';
import { settingPlaces } from './read-given.js';
import { loadSettings } from './load-settings.js';
import { isSecret, withoutSecrets } from './urls.js';

export interface EffectiveSetting {
  /** Where it is in the configuration file. */
  readonly place: string;
  readonly variable: string;
  /** Of a URL the server alone, and nothing of other secrets. */
  readonly value: string;
  /** The variable, `agentmq.yaml:4: registry.agent_timeout`, or `default`. */
  readonly origin: string;
}

/** All settings as an app has them, and where each comes from. Throws `SettingsError`. */
export function effectiveSettings(variables: Variables = process.env): EffectiveSetting[] {
  loadSettings(variables);
  const { env, given } = readEnvironment(variables, {});
  return [...settingPlaces].map(([variable, place]) => {
    const { origin = 'default', secret = false } = given.get(variable) ?? {};
    const value = String(env[variable as keyof typeof env]);
    return { place, variable, value: secret || isSecret(variable) ? withoutSecrets(value) : value, origin };
  });
}
