/** What tests of an adapter of `Broker` import from `agentmq/testing/conformance`. */
export { brokerConformance } from './conformance.js';
export { collectDead } from './dead-letter-cases.js';
export type { BrokerHarness, ConnectOptions, Fragile, RestartableServer } from './harness.js';
export {
  collect,
  type Collected,
  declare,
  everyone,
  gate,
  message,
  newAgent,
  newRole,
  numbered,
  type Owner,
  type PublicationOptions,
  textOf,
  topic,
} from './messages.js';
export type { TestRunner } from './runner.js';
