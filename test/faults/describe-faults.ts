import { afterAll, describe, expect, it } from '@jest/globals';
import { buses, type BusName, databaseUrl } from '../support/index.js';
import type { Fault } from './fault.js';
import { runFault } from './run-fault.js';
import { Servers } from './servers.js';

/** Every one of the faults in its short form, as a test, but for mere variations: all promises are kept. */
export function describeFaults(what: string, faults: readonly Fault[], busName: BusName = 'rabbitmq'): void {
  describe(what, () => {
    const bus = buses[busName];
    const servers = new Servers(bus, { brokerUrl: bus.sharedUrl(), databaseUrl: databaseUrl() });

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
