import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { brokerConformance } from 'agentmq/testing/conformance';
import { rabbitMqDeadLetterCases } from './rabbitmq-dead-letter-cases.js';
import { connectionFaultCases, faultCases } from './rabbitmq-fault-cases.js';
import { RabbitMqHarness } from './rabbitmq-harness.js';
import { rabbitMqListenCases } from './rabbitmq-listen-cases.js';
import { queuesCases } from './rabbitmq-queues-cases.js';
import { refusalCases } from './rabbitmq-refusal-cases.js';
import { topologyCases } from './rabbitmq-topology-cases.js';

const runner = { afterAll, afterEach, beforeAll, describe, expect, it };
const harness = new RabbitMqHarness('quorum');

brokerConformance(runner, 'RabbitMQ, quorum queues', harness, () => {
  describe('topology and foreign clients', () => topologyCases(harness));
  describe('dead letters of RabbitMQ', () => rabbitMqDeadLetterCases(harness));
  describe('listening on RabbitMQ', () => rabbitMqListenCases(harness));
  describe('queues made anew', () => queuesCases(harness));
  describe('refusals', () => refusalCases(harness));
  describe('faults', () => faultCases(harness));
  describe('faults of connections', () => connectionFaultCases(harness));
});
