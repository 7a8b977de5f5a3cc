export {
  Broker,
  type BrokerFault,
  type BrokerFigures,
  type BrokerStatus,
  type Consumer,
  type ConsumeOptions,
  type DeadLettered,
  type Features,
  type FlowOptions,
  type Inbox,
  type InboxConsumer,
  type Incoming,
  type IncomingHandler,
  type MessageHandler,
  type Publication,
  type WireRequestOptions,
  type Topics,
} from './broker.js';
export {
  BrokerClosedError,
  BrokerOptionsError,
  BrokerUnavailableError,
  MessageTooLargeError,
  NoRecipientError,
  QueueFullError,
  QueueMoveError,
  RequestInterruptedError,
  RequestTimeoutError,
  TopologyError,
} from './errors.js';
export { MemoryBroker } from './memory/memory-broker.js';
export { MemoryHub, type MemoryHubOptions } from './memory/memory-hub.js';
export type { RabbitMqOptions } from './rabbitmq/options.js';
export { RabbitMqBroker } from './rabbitmq/rabbitmq-broker.js';
export { type QueueMigration, RabbitMqQueues, type QueueState } from './rabbitmq/queues/rabbitmq-queues.js';
export type { RedisOptions } from './redis/options.js';
export { RedisBroker } from './redis/redis-broker.js';
export { BrokerSettings, type BusType, type QueueType } from './settings.js';
