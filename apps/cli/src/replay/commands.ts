import type { Command } from 'commander';
import { withExamples, withJson, withPaging, withYes } from '../command/options.js';
import { consumerName, date, rate, states, traceId } from '../command/parsers.js';
import type { MoveOptions } from './move.js';
import type { ReplayCommandOptions } from './replay.js';
import type { SubscriptionsOptions } from './subscriptions.js';

/** Adds the options of a command that changes many deliveries. */
export const withBulk = (command: Command): Command =>
  withJson(
    withYes(command.option('--dry-run', 'only count', false).option('--rate <n>', 'at most so many a second', rate)),
  );

/** Adds what puts stored messages on their way again, and changes whom they are owed to. */
export function addReplayCommands(program: Command): void {
  const replay = program
    .command('replay')
    .summary('put stored messages on their way again')
    .description('Put stored messages on their way again. All options that are given must hold.')
    .option('--id <id...>', 'messages')
    .option('--trace <id>', 'messages of one flow', traceId)
    .option('--type <type>', 'messages of one type')
    .option('--topic <pattern>', 'messages published to topics that it matches: market_data.*')
    .option('--consumer <consumer>', 'deliveries at role.<role> or agent.<agent id>', consumerName)
    .option('--from <time>', 'messages stored from then on (ISO 8601)', date)
    .option('--before <time>', 'messages stored before then', date)
    .option('--state <state>', 'deliveries in this state; may be repeated; all that are open unless given', states)
    .option('--to <consumer>', 'deliver to this role or agent instead: it catches up', consumerName)
    .action(async (options: ReplayCommandOptions) => (await import('./replay.js')).replayMessages(options));
  withExamples(withBulk(replay), {
    'agentmq replay --dry-run': 'what is owed and not settled',
    'agentmq replay --consumer role.worker --rate 500': 'at most 500 a second',
    "agentmq replay --topic 'tasks.*' --state completed --to role.audit": 'a new role catches up',
  });
  const move = program
    .command('move')
    .summary("make what a consumer is owed another one's")
    .description("Make what a consumer is owed, and is subscribed to, another one's: for a role that changed its name.")
    .argument('<from>', 'role.<role> or agent.<agent id>', consumerName)
    .argument('<to>', 'role.<role> or agent.<agent id>', consumerName)
    .option('--dead', 'its dead letters too: they begin anew', false)
    .option('--keep-subscriptions', 'what is published from now on stays owed to it', false)
    .action(async (from: string, to: string, options: MoveOptions) =>
      (await import('./move.js')).moveDeliveries(from, to, options),
    );
  withExamples(withBulk(move), {
    'agentmq move role.old role.new --dry-run': 'what is open',
    'agentmq move role.old role.new --dead': 'its dead letters too',
  });
  addSubscriptions(program);
}

function addSubscriptions(program: Command): void {
  const subscriptions = program.command('subscriptions').description('what consumers are subscribed to');
  const list = subscriptions
    .command('list', { isDefault: true })
    .description('list them, those that have ended and why included')
    .option('--consumer <consumer>', 'of role.<role> or agent.<agent id>', consumerName)
    .action(async (options: SubscriptionsOptions) => (await import('./subscriptions.js')).listSubscriptions(options));
  withExamples(withPaging(list), { 'agentmq subscriptions list --consumer role.worker': 'of one role' });
  const end = subscriptions
    .command('end')
    .description('end one, until an instance that declares it starts')
    .argument('<consumer>', 'role.<role> or agent.<agent id>', consumerName)
    .argument('<pattern>')
    .action(async (consumer: string, pattern: string) =>
      (await import('./subscriptions.js')).unsubscribe(consumer, pattern),
    );
  withExamples(end, { "agentmq subscriptions end role.worker 'tasks.*'": '' });
}
