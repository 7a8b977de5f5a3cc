import type { BrokerSettings } from 'agentmq/broker';
import type { HttpAccessSettings } from 'agentmq/http';
import type { RetrySettings } from 'agentmq/messaging';
import type { SealingSettings } from './sealing-settings.js';
import type { AgentSettings } from './settings.js';

/** `undefined`, as `ConfigService.get` may return, is not given. */
type Some<T> = { readonly [P in keyof T]?: T[P] | undefined };

type Parts = Some<{
  readonly [
    P in
      | 'database'
      | 'messaging'
      | 'trace'
      | 'registry'
      | 'coordination'
      | 'tasks'
      | 'circuit'
      | 'scaling'
      | 'monitor'
      | 'http'
      | 'log'
  ]: Some<AgentSettings[P]>;
}>;

/**
 * Settings that an app gives in code: any of those of {@link AgentSettings}, times in ms. What it does not give comes from the
 * environment. docs/SETTINGS.md lists them.
 */
export interface AgentSettingsOptions
  extends Parts, Some<Pick<AgentSettings, 'namespace' | 'agentId' | 'start' | 'shutdownTimeout'>> {
  readonly bus?:
    | (Some<Omit<BrokerSettings, 'amqpUrls' | 'redisUrls' | 'urls'>> & {
        /** Of the broker of this type: one, several separated by commas, or a list. */
        readonly urls?: string | readonly string[] | undefined;
      })
    | undefined;
  readonly access?:
    | (Some<Omit<HttpAccessSettings, 'tokens' | 'needsToken' | 'problemsTogether' | 'problemsAt'>> & {
        /** As `agentmq tokens generate` prints them, separated by commas. */
        readonly tokens?: string | undefined;
      })
    | undefined;
  readonly retry?: Some<Omit<RetrySettings, 'factor'>> | undefined;
  readonly sealing?:
    | (Some<Pick<SealingSettings, 'mode'>> & {
        /** `kid:base64` of 32 bytes each, separated by commas, the newest first. */
        readonly keys?: string | undefined;
        /** The path of a file that has them, one a line. */
        readonly keysFile?: string | undefined;
      })
    | undefined;
}
