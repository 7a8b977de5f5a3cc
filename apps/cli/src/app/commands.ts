import { type Command, Option } from 'commander';
import { withExamples, withJson } from '../command/options.js';
import type { SettingsOptions } from './settings.js';
import type { TokenOptions } from './tokens.js';

/** Adds what starts apps, and sets up what they need. */
export function addAppCommands(program: Command): void {
  withExamples(
    program
      .command('start')
      .summary('run one app of this installation')
      .description('Run one app: coordinator, specialist, worker, monitor, or one of your own in this repository.')
      .argument('<app>')
      .action(async (app: string) => (await import('./start.js')).start(app)),
    { 'agentmq start worker': '' },
  );
  withExamples(
    program
      .command('dev')
      .summary('run apps of this repository from their sources')
      .description('Run apps of this repository in one process, from their sources, anew when one changes.')
      .argument('[app...]', 'all of them unless given')
      .action(async (apps: string[]) => (await import('./dev.js')).dev(apps)),
    { 'agentmq dev': 'all apps', 'agentmq dev coordinator worker': 'two of them' },
  );
  withExamples(
    program
      .command('migrate')
      .description("bring the database's schema up to date (DATABASE_URL, NAMESPACE)")
      .action(async () => (await import('./migrate.js')).migrateDatabase()),
    { 'DATABASE_URL=postgres://… agentmq migrate': '' },
  );
  const settings = program
    .command('settings')
    .description('the settings that an app would start with, and where each comes from')
    .option('--markdown', 'print what every setting means instead, as tables in Markdown', false)
    .action(async (options: SettingsOptions) => (await import('./settings.js')).showSettings(options));
  withExamples(withJson(settings), { 'AGENTMQ_CONFIG=agentmq.yaml agentmq settings': 'of a file' });
  addSecrets(program);
}

function addSecrets(program: Command): void {
  withExamples(
    program
      .command('keys')
      .description('keys that seal sensitive messages: docs/SEALING.md')
      .command('generate')
      .description('print a new key, a line of SEALING_KEYS_FILE')
      .option('--id <id>', 'its id; the date and a random part unless given')
      .action(async ({ id }: { readonly id?: string }) => (await import('./keys.js')).generateKey(id)),
    { 'agentmq keys generate >> sealing-keys': '' },
  );
  withExamples(
    program
      .command('tokens')
      .description('tokens of those that ask an app over HTTP: docs/ACCESS.md')
      .command('generate')
      .description('print a new token, once, and the line to keep in HTTP_TOKENS_FILE')
      .requiredOption('--name <name>', 'of the person or program that gets it, for the audit')
      .addOption(
        new Option('--role <role>', 'what it may do')
          .choices(['viewer', 'submitter', 'operator'])
          .makeOptionMandatory(),
      )
      .action(async (options: TokenOptions) => (await import('./tokens.js')).printToken(options)),
    { 'agentmq tokens generate --name ci --role viewer': '' },
  );
}
