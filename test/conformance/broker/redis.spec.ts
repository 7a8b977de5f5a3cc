import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { brokerConformance } from 'agentmq/testing/conformance';
import { faultCases, startCases } from './redis-fault-cases.js';
import { RedisHarness } from './redis-harness.js';

const runner = { afterAll, afterEach, beforeAll, describe, expect, it };
const harness = new RedisHarness();

brokerConformance(runner, 'Redis', harness, () => {
  describe('faults', () => faultCases(harness));
  describe('starting, and remarks', () => startCases(harness));
});
