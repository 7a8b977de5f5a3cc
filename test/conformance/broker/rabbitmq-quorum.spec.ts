import { describe } from '@jest/globals';
import { brokerConformance } from './conformance.js';
import { rabbitMqDeadLetterCases } from './rabbitmq-dead-letter-cases.js';
import { connectionFaultCases, faultCases } from './rabbitmq-fault-cases.js';
import { RabbitMqHarness } from './rabbitmq-harness.js';
import { rabbitMqListenCases } from './rabbitmq-listen-cases.js';
import { queuesCases } from './rabbitmq-queues-cases.js';
import { refusalCases } from './rabbitmq-refusal-cases.js';
import { topologyCases } from './rabbitmq-topology-cases.js';

const harness = new RabbitMqHarness('quorum');

brokerConformance('RabbitMQ, quorum queues', harness, () => {
  describe('topology and foreign clients', () => topologyCases(harness));
  describe('dead letters of RabbitMQ', () => rabbitMqDeadLetterCases(harness));
  describe('listening on RabbitMQ', () => rabbitMqListenCases(harness));
  describe('queues made anew', () => queuesCases(harness));
  describe('refusals', () => refusalCases(harness));
  describe('faults', () => faultCases(harness));
  describe('faults of connections', () => connectionFaultCases(harness));
});
