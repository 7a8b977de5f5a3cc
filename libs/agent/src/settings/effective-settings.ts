import { settingsIn, shownValue, type Variables } from 'agentmq/settings';
import { loadSettingsFrom } from './load-settings.js';

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
  const { settings, given } = loadSettingsFrom(variables);
  return settingsIn(settings).map((setting) => {
    const { place, variable } = setting;
    const from = given.get(variable);
    return { place, variable, value: shownValue(setting, from), origin: from?.origin ?? 'default' };
  });
}
