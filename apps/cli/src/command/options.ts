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

type Examples = Readonly<Record<string, string>>;

const given = new WeakMap<Command, Examples>();

/** Adds examples to the help of a command, each with what it does; the help of a group has those of its commands. */
export function withExamples(command: Command, examples: Examples): Command {
  given.set(command, examples);
  return command.addHelpText('after', () => textOf(examples));
}

/** To be called once all commands of the group are there. */
export function withExamplesOfAll(group: Command): Command {
  const examples = group.commands.map((command) => given.get(command));
  return group.addHelpText('after', textOf(Object.assign({}, ...examples) as Examples));
}

function textOf(examples: Examples): string {
  const entries = Object.entries(examples);
  const width = Math.max(...entries.map(([line]) => line.length));
  const lines = entries.map(([line, what]) => `  ${line.padEnd(width)}  ${what}`.trimEnd());
  return `\nExamples:\n${lines.join('\n')}`;
}
