import { constants } from 'node:os';
import { JestRun } from './jest-run.js';
import { postgresMeans, rabbitMqMeans, redisMeans } from './means.js';
import { provide, ServiceMissing, type Provided } from './provide.js';
import { removeLeftovers } from './throwaway-folder.js';

/**
 * `npm test`: finds or starts RabbitMQ, Postgres and Redis, runs Jest with the arguments given, and stops what it started. Exits
 * with Jest's code; with 1 when a service is missing.
 */
async function main(): Promise<number> {
  for (const path of removeLeftovers()) console.log(`removed what an earlier run left behind: ${path}`);
  const services: Provided[] = [];
  try {
    const [AMQP_URL, DATABASE_URL, REDIS_URL] = await provideAll(services);
    if (stopping) return signalCode(stopping);
    if (AMQP_URL === undefined || DATABASE_URL === undefined || REDIS_URL === undefined) return 1;
    const jest = new JestRun(process.argv.slice(2), { AMQP_URL, DATABASE_URL, REDIS_URL });
    pass = (signal) => jest.signal(signal);
    const { code, totals } = await jest.result();
    if (totals) {
      if (totals.skipped > 0) console.log(`${totals.skipped} skipped`);
      console.log(`${totals.passed} passed, ${totals.failed} failed`);
    }
    return stopping ? signalCode(stopping) : code;
  } finally {
    await Promise.all(services.map((service) => service.stop()));
  }
}

/** Adds to `services`; resolves with the URL of each, undefined for one that is missing, and says so. */
async function provideAll(services: Provided[]): Promise<(string | undefined)[]> {
  const urls: (string | undefined)[] = [];
  const { AMQP_URL, DATABASE_URL, REDIS_URL } = process.env;
  for (const means of [rabbitMqMeans(AMQP_URL), postgresMeans(DATABASE_URL), redisMeans(REDIS_URL)]) {
    try {
      const service = await provide(means, console.log);
      services.push(service);
      console.log(service.origin);
      urls.push(service.url);
    } catch (error) {
      if (!(error instanceof ServiceMissing)) throw error;
      console.error(`${error.message}\n`);
      urls.push(undefined);
    }
  }
  return urls;
}

let stopping: NodeJS.Signals | undefined;
let pass: (signal: NodeJS.Signals) => void = () => undefined;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // the second one means that Jest does not end by itself
    pass(stopping ? 'SIGKILL' : signal);
    stopping ??= signal;
  });
}

function signalCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

process.exitCode = await main();
