import { ConfigurableModuleBuilder, type ConfigurableModuleOptionsFactory } from '@nestjs/common';
import type { MemoryHub } from 'agentmq/broker';
import type { AppDatabase } from 'agentmq/database';
import type { Store } from 'agentmq/message-store';
import type { SealingKeys } from 'agentmq/messaging';
import type { AgentSettingsOptions } from './settings/settings-options.js';
import type { AgentSettings } from './settings/settings.js';

export interface AgentModuleOptions extends AppDatabase {
  /** What is given counts before the environment, which has the rest. All of {@link AgentSettings} is used as it is. */
  readonly settings?: AgentSettingsOptions | AgentSettings;
  /** Agents in one process share a memory bus by sharing its hub. */
  readonly hub?: MemoryHub;
  /** A store that the app opened itself, for several agents, and closes itself. */
  readonly store?: Store;
  /** Keys of a key management service, in place of the settings'. */
  readonly sealingKeys?: SealingKeys;
}

/** A class for `forRootAsync({ useClass })`: its `createAgentModuleOptions` makes the options. */
export type AgentModuleOptionsFactory = ConfigurableModuleOptionsFactory<
  AgentModuleOptions,
  'createAgentModuleOptions'
>;

/** `forRoot` and `forRootAsync`, and the token of what they are given. */
export const { ConfigurableModuleClass: ConfigurableAgentModule, MODULE_OPTIONS_TOKEN: AGENT_OPTIONS } =
  new ConfigurableModuleBuilder<AgentModuleOptions>({ moduleName: 'AgentMQ' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createAgentModuleOptions')
    .setExtras({}, (definition) => ({ ...definition, global: true }))
    .build();
