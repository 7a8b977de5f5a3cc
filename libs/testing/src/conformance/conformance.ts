import { createdCases } from './created-cases.js';
import { deadLetterCases } from './dead-letter-cases.js';
import { deliveryCases } from './delivery-cases.js';
import { droppedCases } from './dropped-cases.js';
import { failureCases } from './failure-cases.js';
import { flowCases } from './flow-cases.js';
import type { BrokerHarness } from './harness.js';
import { lifecycleCases } from './lifecycle-cases.js';
import { listenCases } from './listen-cases.js';
import { pauseCases } from './pause-cases.js';
import { requestCases } from './request-cases.js';
import type { TestRunner } from './runner.js';

/**
 * Declares the tests of what every adapter of `Broker` promises, and those of the adapter's `own`. `runner`: the functions of
 * the test runner, such as those of `@jest/globals` or `vitest`.
 */
export function brokerConformance(runner: TestRunner, name: string, harness: BrokerHarness, own?: () => void): void {
  const { afterAll, afterEach, beforeAll, describe } = runner;
  describe(`broker conformance: ${name}`, () => {
    // A server of the suite's own takes seconds to start: it does while the cases before run that need none.
    beforeAll(() => void harness.restartable().catch(() => undefined));
    afterEach(() => harness.cleanUp());
    afterAll(() => harness.stop());

    describe('delivery', () => deliveryCases(runner, harness));
    describe('listening', () => listenCases(runner, harness));
    describe('request and response', () => requestCases(runner, harness));
    describe('order, priority and limits', () => flowCases(runner, harness));
    describe('failure', () => failureCases(runner, harness));
    describe('start, close and restart', () => lifecycleCases(runner, harness));
    describe('an inbox that had to be made', () => createdCases(runner, harness));
    describe('patterns that were dropped', () => droppedCases(runner, harness));
    describe('a pause', () => pauseCases(runner, harness));
    describe('dead letters', () => deadLetterCases(runner, harness));
    own?.();
  });
}
