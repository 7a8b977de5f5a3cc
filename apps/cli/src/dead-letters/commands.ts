import type { Command } from 'commander';
import { withExamples, withJson, withPaging } from '../command/options.js';
import { consumerName, date } from '../command/parsers.js';
import { withBulk } from '../replay/commands.js';
import type { DiscardOptions, DeadLettersOptions, GroupsOptions, RequeueOptions, ShowOptions } from './dead-letters.js';

/** Adds what is done about messages that could not be handled. */
export function addDeadLetterCommands(program: Command): void {
  const letters = program.command('dead-letters').description('messages that could not be handled');
  const list = withFilter(letters.command('list', { isDefault: true }).description('list them, newest first'))
    .option('--discarded', 'those that were discarded too', false)
    .action(async (options: DeadLettersOptions) => (await import('./dead-letters.js')).listDeadLetters(options));
  withExamples(withPaging(list), {
    'agentmq dead-letters list --type order --consumer role.worker': 'of one contract at one role',
    "agentmq dead-letters list --error 'ECONNREFUSED'": 'whose error contains that',
  });
  const groups = letters
    .command('groups')
    .description('those that failed alike, by consumer, contract and error; the latest failure first')
    .option('--type <type>', 'of one type')
    .option('--consumer <consumer>', 'at role.<role> or agent.<agent id>', consumerName)
    .action(async (options: GroupsOptions) => (await import('./dead-letters.js')).listGroups(options));
  withExamples(withPaging(groups), { 'agentmq dead-letters groups': '' });
  const show = letters
    .command('show')
    .description('show one with its errors, attempts and payload')
    .argument('<id>')
    .action(async (id: string, options: ShowOptions) => (await import('./dead-letters.js')).show(id, options));
  withExamples(withJson(show), { 'agentmq dead-letters show <id>': '' });
  addChanges(letters);
}

function addChanges(letters: Command): void {
  const requeue = withSelection(
    letters.command('requeue').description('put them on their way again, with all their attempts'),
  )
    .option('--payload <json>', 'send a new message with this payload in its place; @<file> reads a file')
    .action(async (id: string | undefined, options: RequeueOptions) =>
      (await import('./dead-letters.js')).requeue(id, options),
    );
  withExamples(withBulk(requeue), {
    'agentmq dead-letters requeue <id>': 'one',
    'agentmq dead-letters requeue <id> --payload \'{"order":1}\'': 'an edited one in its place',
    'agentmq dead-letters requeue --group <group>': 'all that failed alike',
    'agentmq dead-letters requeue --all --type order --dry-run': 'only count',
  });
  const discard = withSelection(letters.command('discard').description('mark them as needing nothing any more'))
    .requiredOption('--reason <text>', 'why')
    .action(async (id: string | undefined, options: DiscardOptions) =>
      (await import('./dead-letters.js')).discardDeadLetters(id, options),
    );
  withExamples(withBulk(discard), {
    "agentmq dead-letters discard <id> --reason 'asked for a file'": 'one',
    "agentmq dead-letters discard --group <group> --reason 'a bug, fixed'": 'all that failed alike',
  });
}

/** One, a group, or all that the filter leaves. */
const withSelection = (command: Command): Command =>
  withFilter(command.argument('[id]')).option('--all', 'all that the options leave, instead of one', false);

const withFilter = (command: Command): Command =>
  command
    .option('--group <id>', 'of one group')
    .option('--type <type>', 'of one type')
    .option('--consumer <consumer>', 'at role.<role> or agent.<agent id>', consumerName)
    .option('--from <time>', 'messages stored from then on (ISO 8601)', date)
    .option('--before <time>', 'messages stored before then', date)
    .option('--error <text>', 'whose error has this code, or contains this text');
