import { relative } from 'node:path';
import { defaultInput, protocolNames, runProtocol } from 'agentmq/examples';
import { type Command, Option } from 'commander';
import { withExamples } from '../command/options.js';
import { wholeNumber } from '../command/parsers.js';
import type { RunInput } from './run.js';

interface RunCommandOptions extends Pick<RunInput, 'output' | 'strict' | 'page'> {
  readonly input?: string;
  readonly agents?: number;
  readonly protocol?: string;
}

/** Adds what shows the stock apps and the protocols at work: it needs their sample data. */
export function addRunCommand(program: Command): void {
  const command = program
    .command('run')
    .summary('show agents at work: analyse a CSV file')
    .description(
      'Analyse a CSV file with a coordinator, specialists, a monitor and workers, all in this process; or with --protocol have agents go through one.',
    )
    .option('--input <file>', 'the CSV file, - for the standard input; a public data set unless given')
    .option('--agents <n>', 'workers, or members of a protocol, 1 to 100; 4, or 5, unless given', wholeNumber(1, 100))
    .option('--output <file>', 'where the report goes as JSON', 'report.json')
    .option('--strict', 'stop at the first row that cannot be parsed', false)
    .option('--no-page', 'do not serve the page that shows the agents at work')
    .addOption(
      new Option('--protocol <name>', 'what agents are to go through')
        .choices(protocolNames)
        .conflicts(['input', 'strict']),
    )
    .action(async ({ protocol, input, agents, ...options }: RunCommandOptions) => {
      if (protocol !== undefined) {
        await runProtocol(protocol, agents ?? 5);
      } else {
        const { run } = await import('./run.js');
        await run({ ...options, agents: agents ?? 4, input: input ?? relative(process.cwd(), defaultInput()) });
      }
    });
  withExamples(command, {
    'agentmq run': 'a public data set',
    'agentmq run --input sales.csv --agents 8': '',
    'agentmq run --protocol election': 'five agents elect a leader',
  });
}
