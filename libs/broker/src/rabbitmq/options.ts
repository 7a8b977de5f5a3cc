import { explained } from './connection/explained.js';
import { type ServerOptions, type ServerSettings, settingsWith } from '../server/server-options.js';

export interface RabbitMqOptions extends ServerOptions {
  /** One URL, or those of a cluster's nodes: tried in turn. `amqps:` for TLS. */
  readonly url: string | readonly string[];
  /** Default `quorum`. A queue that exists is used as it is, with a remark. */
  readonly queueType?: 'quorum' | 'classic';
  /**
   * The most messages that wait in one lane of an inbox; more are refused with `QueueFullError`. Default 10,000.
   * RabbitMQ counts a moment late: some more than this may be taken from fast publishers.
   */
  readonly maxQueueSize?: number;
  /** A peer that is silent for about twice as long counts as gone, in s; default 10. A `heartbeat` in the URL wins. */
  readonly heartbeatSeconds?: number;
}

export type RabbitMqSettings = ServerSettings & Required<Pick<RabbitMqOptions, 'queueType' | 'heartbeatSeconds'>>;

/** The options with their defaults. Throws `BrokerOptionsError` naming every option that is unusable. */
export function settingsOf(options: RabbitMqOptions): RabbitMqSettings {
  const own = { queueType: 'quorum', heartbeatSeconds: 10 } as const;
  const settings: RabbitMqSettings = settingsWith(options, own, urlProblem, { heartbeatSeconds: 0xffff });
  return { ...settings, report: (problem) => settings.report(explained(problem)) };
}

function urlProblem(url: string): string | undefined {
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  return protocol === 'amqp:' || protocol === 'amqps:' ? undefined : 'is no amqp: or amqps: URL';
}
