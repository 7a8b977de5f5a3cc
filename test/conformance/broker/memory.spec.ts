import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { brokerConformance } from 'agentmq/testing/conformance';
import { MemoryHarness } from './memory-harness.js';

const runner = { afterAll, afterEach, beforeAll, describe, expect, it };

brokerConformance(runner, 'memory', new MemoryHarness());
