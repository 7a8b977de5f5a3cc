import { AgentMQError } from 'agentmq/protocol';

/** The settings are wrong; `problems` has one line for each. */
export class SettingsError extends AgentMQError {
  readonly code = 'INVALID_SETTINGS';

  constructor(readonly problems: readonly string[]) {
    super(`invalid settings:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}
