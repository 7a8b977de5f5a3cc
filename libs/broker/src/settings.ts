import { oneOf, redisUrlProblem, Setting, text, urlProblem, urls, whole } from 'agentmq/settings';

export type BusType = 'in_memory' | 'rabbitmq' | 'redis';
export type QueueType = 'quorum' | 'classic';

/** Which broker, and where. */
export class BrokerSettings {
  @Setting(
    oneOf<BusType>(['in_memory', 'rabbitmq', 'redis']),
    'MESSAGE_BUS_TYPE',
    '`rabbitmq`, `redis`, or `in_memory` within one process',
    { default: '`rabbitmq`; `in_memory` for `agentmq run`' },
  )
  type: BusType = 'rabbitmq';

  /** Messages that a queue holds before it refuses more. */
  @Setting(
    whole(1, 1_000_000_000),
    'MESSAGE_BUS_MAX_QUEUE_SIZE',
    'messages that a queue holds before it refuses more; likewise for a queue that exists with another',
  )
  maxQueueSize = 10_000;

  @Setting(whole(1_024, 134_217_728), 'MESSAGE_BUS_MAX_MESSAGE_BYTES', 'the largest body that is sent')
  maxMessageBytes = 16_777_216;

  @Setting(
    urls(/^amqps?:\/\/[^\s,]+$/, 'amqp(s)://', urlProblem),
    'AMQP_URL',
    '`amqp://` or `amqps://`; several nodes of a cluster separated by commas',
    { option: 'urls', takes: ({ type }) => type !== 'redis' },
  )
  amqpUrls: readonly string[] = ['amqp://guest:guest@127.0.0.1:5672'];

  @Setting(
    urls(/^rediss?:\/\/[^\s,]+$/, 'redis(s)://', redisUrlProblem),
    'REDIS_URL',
    '`redis://`, or `rediss://` for TLS; user, password and number of a database in it: docs/SERVERS.md, On Redis',
    { option: 'urls', takes: ({ type }) => type === 'redis' },
  )
  redisUrls: readonly string[] = ['redis://127.0.0.1:6379'];

  /** Empty where the URLs are the server's own. */
  @Setting(
    text(),
    'REDIS_SENTINEL_MASTER',
    'the name that Sentinels know the server by: `REDIS_URL` then has theirs, separated by commas',
  )
  sentinelMaster = '';

  @Setting(
    oneOf<QueueType>(['quorum', 'classic']),
    'RABBITMQ_QUEUE_TYPE',
    '`quorum` or `classic`; a queue that exists with another is used as it is, until `agentmq queues migrate`',
  )
  queueType: QueueType = 'quorum';

  /** Where the broker of this type is: several are nodes of one cluster, or Sentinels. */
  get urls(): readonly string[] {
    return this.type === 'redis' ? this.redisUrls : this.amqpUrls;
  }
}
