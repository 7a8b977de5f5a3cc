import { afterAll, describe, expect, it } from '@jest/globals';
import { amqpUrl, databaseUrl, redisUrl } from '../support/index.js';
import type { BusName } from './bus.js';
import { buses } from './buses/index.js';
import type { Fault } from './fault.js';
import { runFault } from './run-fault.js';
import { Servers } from './servers.js';

/** Every one of the faults in its short form, as a test, but for mere variations: all promises are kept. */
export function describeFaults(what: string, faults: readonly Fault[], bus: BusName = 'rabbitmq'): void {
  describe(what, () => {
    const servers = new Servers(buses[bus], {
      brokerUrl: bus === 'redis' ? redisUrl() : amqpUrl(),
      databaseUrl: databaseUrl(),
    });

    afterAll(() => servers.close(), 60_000);

    it.each(faults.filter(({ variation }) => !variation).map((fault) => [fault.title, fault] as const))(
      '%s',
      async (_title, fault) => {
        const { violations, account } = await runFault(fault, 'short', servers);
        expect(violations).toEqual([]);
        expect(account.accepted).toBeGreaterThan(0);
      },
      240_000,
    );
  });
}
