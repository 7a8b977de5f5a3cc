import type { Command } from 'commander';
import type { CheckOptions, WriteOptions } from './contracts.js';

/** Adds what an app's own CI does with its contracts. It needs neither database nor broker. */
export function addContractCommands(program: Command): void {
  const contracts = program.command('contracts').description('message contracts in a file, for CI');
  contracts
    .command('check')
    .description('fail when a contract has changed in a way that other versions of the apps cannot take')
    .argument('<module...>', 'built modules that export the contracts: dist/contracts.js')
    .option('--file <file>', 'where the contracts are kept', 'contracts.json')
    .action(async (modules: string[], options: CheckOptions) =>
      (await import('./contracts.js')).check(modules, options),
    );
  contracts
    .command('write')
    .description('write the contracts to the file; refuses what check fails on')
    .argument('<module...>', 'built modules that export the contracts: dist/contracts.js')
    .option('--file <file>', 'where the contracts are kept', 'contracts.json')
    .option('--accept', 'write breaking changes too', false)
    .action(async (modules: string[], options: WriteOptions) =>
      (await import('./contracts.js')).write(modules, options),
    );
}
