import { AgentMQError } from 'agentmq/protocol';

/** The settings are wrong; `problems` has one line for each. */
export class SettingsError extends AgentMQError {
  readonly code = 'INVALID_SETTINGS';

  constructor(
    readonly problems: readonly string[],
    /** As far as they could be read: what is wrong with them elsewhere is to be told together. */
    readonly settings?: object,
  ) {
    super(`invalid settings:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}
