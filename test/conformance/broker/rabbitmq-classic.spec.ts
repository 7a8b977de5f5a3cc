import { describe } from '@jest/globals';
import { brokerConformance } from './conformance.js';
import { rabbitMqDeadLetterCases } from './rabbitmq-dead-letter-cases.js';
import { faultCases } from './rabbitmq-fault-cases.js';
import { RabbitMqHarness } from './rabbitmq-harness.js';
import { topologyCases } from './rabbitmq-topology-cases.js';

const harness = new RabbitMqHarness('classic');

brokerConformance('RabbitMQ, classic queues', harness, () => {
  describe('topology and foreign clients', () => topologyCases(harness));
  describe('dead letters of RabbitMQ', () => rabbitMqDeadLetterCases(harness));
  describe('faults', () => faultCases(harness));
});
