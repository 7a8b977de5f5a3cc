import type { Command } from 'commander';
import { type JsonOption, withExamples, withJson } from '../command/options.js';
import type { CheckOptions, WriteOptions } from './contracts.js';

/** Adds what shows the contracts of a system, and what an app's own CI does with its own, which needs neither database nor broker. */
export function addContractCommands(program: Command): void {
  const contracts = program
    .command('contracts')
    .description('message contracts: those of a system, and of an app in a file, for CI');
  withExamples(
    withJson(
      contracts
        .command('list', { isDefault: true })
        .description('list those that live agents handle, and which consumers do')
        .action(async (options: JsonOption) => (await import('../messages/messages.js')).listContracts(options)),
    ),
    { 'agentmq contracts list': '' },
  );
  const check = contracts
    .command('check')
    .description('fail when a contract has changed in a way that other versions of the apps cannot take')
    .argument('<module...>', 'built modules that export the contracts: dist/contracts.js')
    .option('--file <file>', 'where the contracts are kept', 'contracts.json')
    .action(async (modules: string[], options: CheckOptions) =>
      (await import('./contracts.js')).check(modules, options),
    );
  withExamples(check, { 'agentmq contracts check dist/contracts.js': 'fails when other versions could not take it' });
  const write = contracts
    .command('write')
    .description('write the contracts to the file; refuses what check fails on')
    .argument('<module...>', 'built modules that export the contracts: dist/contracts.js')
    .option('--file <file>', 'where the contracts are kept', 'contracts.json')
    .option('--accept', 'write breaking changes too', false)
    .action(async (modules: string[], options: WriteOptions) =>
      (await import('./contracts.js')).write(modules, options),
    );
  withExamples(write, { 'agentmq contracts write dist/contracts.js': '' });
}
