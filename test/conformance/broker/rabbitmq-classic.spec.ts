import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { brokerConformance } from 'agentmq/testing/conformance';
import { rabbitMqDeadLetterCases } from './rabbitmq-dead-letter-cases.js';
import { faultCases } from './rabbitmq-fault-cases.js';
import { RabbitMqHarness } from './rabbitmq-harness.js';
import { topologyCases } from './rabbitmq-topology-cases.js';

const runner = { afterAll, afterEach, beforeAll, describe, expect, it };
const harness = new RabbitMqHarness('classic');

brokerConformance(runner, 'RabbitMQ, classic queues', harness, () => {
  describe('topology and foreign clients', () => topologyCases(harness));
  describe('dead letters of RabbitMQ', () => rabbitMqDeadLetterCases(harness));
  describe('faults', () => faultCases(harness));
});
