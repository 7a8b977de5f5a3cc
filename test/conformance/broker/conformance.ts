import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { createdCases } from './created-cases.js';
import { deadLetterCases } from './dead-letter-cases.js';
import { deliveryCases } from './delivery-cases.js';
import { droppedCases } from './dropped-cases.js';
import { failureCases } from './failure-cases.js';
import { flowCases } from './flow-cases.js';
import type { BrokerHarness } from './harness.js';
import { lifecycleCases } from './lifecycle-cases.js';
import { listenCases } from './listen-cases.js';
import { requestCases } from './request-cases.js';

/** What every adapter of `Broker` promises, and cases of the adapter's `own`. */
export function brokerConformance(name: string, harness: BrokerHarness, own?: () => void): void {
  describe(`broker conformance: ${name}`, () => {
    // A server of the suite's own takes seconds to start: it does while the cases before run that need none.
    beforeAll(() => void harness.restartable().catch(() => undefined));
    afterEach(() => harness.cleanUp());
    afterAll(() => harness.stop());

    describe('delivery', () => deliveryCases(harness));
    describe('listening', () => listenCases(harness));
    describe('request and response', () => requestCases(harness));
    describe('order, priority and limits', () => flowCases(harness));
    describe('failure', () => failureCases(harness));
    describe('start, close and restart', () => lifecycleCases(harness));
    describe('an inbox that had to be made', () => createdCases(harness));
    describe('patterns that were dropped', () => droppedCases(harness));
    describe('dead letters', () => deadLetterCases(harness));
    own?.();
  });
}
