import { describe } from '@jest/globals';
import { brokerConformance } from './conformance.js';
import { faultCases, startCases } from './redis-fault-cases.js';
import { RedisHarness } from './redis-harness.js';

const harness = new RedisHarness();

brokerConformance('Redis', harness, () => {
  describe('faults', () => faultCases(harness));
  describe('starting, and remarks', () => startCases(harness));
});
