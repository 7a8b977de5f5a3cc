import { describe } from '@jest/globals';
import { brokerConformance } from './conformance.js';
import { rabbitMqDeadLetterCases } from './rabbitmq-dead-letter-cases.js';
import { RabbitMqHarness } from './rabbitmq-harness.js';
import { topologyCases } from './rabbitmq-topology-cases.js';

const harness = new RabbitMqHarness('classic');

// Faults of connections and channels do not depend on the type of a queue: they are tried with quorum ones.
brokerConformance('RabbitMQ, classic queues', harness, () => {
  describe('topology and foreign clients', () => topologyCases(harness));
  describe('dead letters of RabbitMQ', () => rabbitMqDeadLetterCases(harness));
});
