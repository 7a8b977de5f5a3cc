import { brokerConformance } from './conformance.js';
import { MemoryHarness } from './memory-harness.js';

brokerConformance('memory', new MemoryHarness());
