#!/usr/bin/env node
import { relative } from 'node:path';
import { AgentMQError, RemoteError, visibleLines } from 'agentmq/protocol';
import { Command, InvalidArgumentError, Option } from 'commander';
import { addContractCommands } from './contracts/commands.js';
import { addOperatorCommands } from './operator/commands.js';
import { defaultInput } from './report/default-input.js';
import { protocolNames, runProtocol } from './run/protocols/index.js';
import type { RunInput } from './run/run.js';

/** Wrong input or usage; anything else that fails is 1. */
const EXIT_INPUT = 2;
const inputErrors = new Set([
  'CSV_INPUT',
  'INVALID_SETTINGS',
  'CONTRACT_VIOLATION',
  'UNKNOWN_APP',
  'OUTPUT',
  'USAGE',
  'INVALID_MESSAGE',
  'INVALID_SELECTION',
  'SEVERAL_CONSUMERS',
  'CONTRACTS_FILE',
]);
/** As shells have it for SIGINT. */
const EXIT_INTERRUPTED = 130;

const wholeNumber = (value: string): number => {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > 100) throw new InvalidArgumentError('must be 1 to 100');
  return number;
};

interface RunCommandOptions extends Pick<RunInput, 'output' | 'strict'> {
  readonly input?: string;
  readonly agents?: number;
  readonly protocol?: string;
}

// Each command is loaded when it is asked for: an app's process needs nothing of the others.
const program = new Command('agentmq')
  .description('Systems of cooperating agents')
  .version('0.1.0')
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'agentmq: ')) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_INPUT));

program
  .command('run')
  .description(
    'analyse a CSV file with a coordinator, specialists, a monitor and workers, all in this process; or with --protocol have agents go through one',
  )
  .option('--input <file>', 'the CSV file, - for the standard input; a public data set unless given')
  .option('--agents <n>', 'workers, or members of a protocol, 1 to 100; 4, or 5, unless given', wholeNumber)
  .option('--output <file>', 'where the report goes as JSON', 'report.json')
  .option('--strict', 'stop at the first row that cannot be parsed', false)
  .addOption(
    new Option('--protocol <name>', 'what agents are to go through')
      .choices(protocolNames)
      .conflicts(['input', 'strict']),
  )
  .action(async ({ protocol, input, agents, ...options }: RunCommandOptions) => {
    if (protocol !== undefined) {
      await runProtocol(protocol, agents ?? 5);
    } else {
      const { run } = await import('./run/run.js');
      await run({ ...options, agents: agents ?? 4, input: input ?? relative(process.cwd(), defaultInput()) });
    }
  });

program
  .command('migrate')
  .description("bring the database's schema up to date (DATABASE_URL, NAMESPACE)")
  .action(async () => (await import('./migrate.js')).migrateDatabase());

program
  .command('start')
  .description('run one app: coordinator, specialist, worker, monitor, or one of your own')
  .argument('<app>')
  .action(async (app: string) => (await import('./start.js')).start(app));

program
  .command('config')
  .description('print the settings that an app would start with, and where each comes from')
  .option('--markdown', 'print what every setting means instead, as tables in Markdown', false)
  .action(async (options: { readonly markdown: boolean }) => (await import('./show-config.js')).showConfig(options));

program
  .command('keys')
  .description('keys that seal sensitive messages: docs/SEALING.md')
  .command('generate')
  .description('print a new key, a line of SEALING_KEYS_FILE')
  .option('--id <id>', 'its id; the date and a random part unless given')
  .action(async ({ id }: { readonly id?: string }) => (await import('./keys.js')).generateKey(id));

addContractCommands(program);
addOperatorCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  const known = error instanceof AgentMQError;
  const text = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`agentmq: ${visibleLines(text)}\n`);
  const code = error instanceof RemoteError || known ? error.code : '';
  process.exitCode = code === 'INTERRUPTED' ? EXIT_INTERRUPTED : inputErrors.has(code) ? EXIT_INPUT : 1;
}
