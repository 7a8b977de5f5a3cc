import { type Command, Option } from 'commander';
import { listLimit } from './parsers.js';

/** Of every command that lists. */
export interface ListOptions extends JsonOption {
  readonly limit: number;
  readonly after?: string;
}

/** Of every command that shows something. */
export interface JsonOption {
  readonly json: boolean;
}

/** Of every command that may change many rows. */
export interface YesOption {
  readonly yes: boolean;
}

export const withJson = (command: Command): Command => command.option('--json', 'as JSON, for programs', false);

/** Adds the options of a list of which one page is shown. */
export const withPaging = (command: Command): Command =>
  withJson(
    command
      .option('--limit <n>', 'so many, 1 to 1000', listLimit, 100)
      .option('--after <place>', 'what comes after the page before, which tells it'),
  );

export const withYes = (command: Command): Command =>
  command.addOption(new Option('-y, --yes', 'do not ask before more than one is changed').default(false));

/** Adds examples to the help of a command, each with what it does. */
export function withExamples(command: Command, examples: Readonly<Record<string, string>>): Command {
  const entries = Object.entries(examples);
  const width = Math.max(...entries.map(([line]) => line.length));
  const lines = entries.map(([line, what]) => `  ${line.padEnd(width)}  ${what}`.trimEnd());
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
