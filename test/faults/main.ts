import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { busOf, type BusName } from '../support/index.js';
import { faults } from './cases/index.js';
import type { Fault, FaultReport } from './fault.js';
import { table } from './report.js';
import { runFault } from './run-fault.js';
import { Servers } from './servers.js';

/**
 * `npm run faults`: every fault, on servers of its own, and a table of what came of it. `--long` with many messages,
 * `--only a,b` for certain ones, `--bus redis` on Redis. Exits with 1 when a promise was broken, or a fault could not be carried out.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      bus: { type: 'string', default: 'rabbitmq' },
      long: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  });
  const bus = busOf(values.bus);
  const servers = new Servers(bus);
  const reports: FaultReport[] = [];
  const failures: string[] = [];
  try {
    for (const fault of chosen(bus.name, values.only)) {
      const began = performance.now();
      try {
        const report = await runFault(fault, values.long ? 'long' : 'short', servers);
        reports.push(report);
        failures.push(...report.violations.map((violation) => `${fault.name}: ${violation}`));
        console.log(`${fault.name}: ${report.violations.join('; ') || 'kept'} (${seconds(began)} s)`);
      } catch (error) {
        failures.push(String(error));
        console.log(`${fault.name}: failed (${seconds(began)} s)`);
      }
    }
  } finally {
    await servers.close();
  }
  console.log(`\n${table(reports)}`);
  for (const failure of failures) console.error(`\n${failure}`);
  return failures.length > 0 ? 1 : 0;
}

/** Throws `TypeError` for a name that is none of this bus's. */
function chosen(busName: BusName, names: string | undefined): readonly Fault[] {
  const all = faults.filter(({ bus = busName }) => bus === busName);
  if (names === undefined) return all;
  return names.split(',').map((name) => {
    const fault = all.find((each) => each.name === name);
    if (!fault) throw new TypeError(`no fault "${name}"; there are ${all.map((each) => each.name).join(', ')}`);
    return fault;
  });
}

const seconds = (began: number): string => ((performance.now() - began) / 1_000).toFixed(0);

process.exitCode = await main();
