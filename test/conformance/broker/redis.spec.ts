import { brokerConformance } from './conformance.js';
import { RedisHarness } from './redis-harness.js';

brokerConformance('Redis', new RedisHarness());
