/** What tests of apps import from `agentmq/testing`. */
export type { DeadLetter } from './dead-letters.js';
export { NotQuietError, TestSystemError } from './errors.js';
export type { Handled, Sent } from './journal.js';
export type { TestAppOptions, TestHttpOptions, TestSystemOptions } from './options.js';
export { TestApp } from './test-app.js';
export type { TestDataSourceOptions } from './test-data-source.js';
export { type Outage, TestSystem } from './test-system.js';
