import { createRequire } from 'node:module';
import { visibleLines } from 'agentmq/protocol';
import { AgentMQError, RemoteError } from 'agentmq';
import { Command } from 'commander';
import { addAppCommands } from './app/commands.js';
import { addCompletionCommands } from './completion.js';
import { withExamplesOfAll } from './command/options.js';
import { addContractCommands } from './contracts/commands.js';
import { addDeadLetterCommands } from './dead-letters/commands.js';
import { addMessageCommands } from './messages/commands.js';
import { addPauseCommands } from './pauses/commands.js';
import { addReplayCommands } from './replay/commands.js';
import { addSendCommands } from './send/commands.js';
import { addSystemCommands } from './system/commands.js';
import { addTaskCommands } from './tasks/commands.js';

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
  'INVALID_TASK',
  'SEVERAL_CONSUMERS',
  'UNKNOWN_TASK_TYPE',
  'CONTRACTS_FILE',
  'NO_QUEUES',
]);
/** As shells have it for SIGINT. */
const EXIT_INTERRUPTED = 130;

/**
 * The command line with what an app that has installed AgentMQ needs; each command is loaded when it is asked for. `addMore` adds
 * the commands of this repository alone.
 */
export function createProgram(addMore: (program: Command) => void = () => undefined): Command {
  const program = commandsOf(addMore);
  addCompletionCommands(program, () => commandsOf(addMore));
  return program;
}

function commandsOf(addMore: (program: Command) => void): Command {
  const { version } = createRequire(import.meta.url)('agentmq/package.json') as { readonly version: string };
  const program = new Command('agentmq')
    .description('Systems of cooperating agents')
    .version(version)
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'agentmq: ')) })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_INPUT));
  program.commandsGroup('Apps:');
  addMore(program);
  addAppCommands(program);
  program.commandsGroup('The system:');
  addSystemCommands(program);
  addPauseCommands(program);
  program.commandsGroup('Messages:');
  addMessageCommands(program);
  addDeadLetterCommands(program);
  addReplayCommands(program);
  addSendCommands(program);
  program.commandsGroup('Tasks and decisions:');
  addTaskCommands(program);
  program.commandsGroup('For developers:');
  addContractCommands(program);
  for (const command of program.commands) if (command.commands.length > 0) withExamplesOfAll(command);
  program.addHelpText(
    'after',
    '\nSettings come from the environment, or the file that AGENTMQ_CONFIG names: agentmq settings.\nExit codes: 0; 1 it failed, or was not found; 2 wrong usage or input; 130 interrupted.',
  );
  return program;
}

/** Does what the arguments ask for; what it fails with becomes a line on the standard error, and the exit code. */
export async function runProgram(program: Command): Promise<void> {
  // a pager that has been left, or `head`
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    await program.parseAsync();
  } catch (error) {
    const known = error instanceof AgentMQError;
    const text = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`agentmq: ${visibleLines(text)}\n`);
    const code = error instanceof RemoteError || known ? error.code : '';
    process.exitCode = code === 'INTERRUPTED' ? EXIT_INTERRUPTED : inputErrors.has(code) ? EXIT_INPUT : 1;
  }
}
