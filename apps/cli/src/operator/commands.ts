import type { Command } from 'commander';
import type { MoveOptions, SubscriptionsOptions } from './consumers.js';
import type { DiscardOptions, ListOptions, RequeueOptions, ShowOptions } from './dead-letters.js';
import { consumerName, consumerNames, date, listLimit, rate, states, traceId } from './parsers.js';
import type { QueuesOptions } from './queues.js';
import type { ReplayCommandOptions } from './replay.js';
import type { TraceOptions } from './trace.js';

/**
 * Adds what an operator does to stored messages, which needs the database only (DATABASE_URL, NAMESPACE), and to queues.
 */
export function addOperatorCommands(program: Command): void {
  addReplay(program);
  addDeadLetters(program);
  addConsumers(program);
  addQueues(program);
  program
    .command('trace')
    .description('show the messages of a flow as a tree, with times, attempts and outcomes')
    .argument('<id>', 'of the trace, or of one of its messages')
    .option('--json', 'as JSON', false)
    .action(async (id: string, options: TraceOptions) => (await import('./trace.js')).showTrace(id, options));
}

function addReplay(program: Command): void {
  program
    .command('replay')
    .description('put stored messages on their way again; every option given must hold')
    .option('--id <id...>', 'messages')
    .option('--trace <id>', 'messages of one flow', traceId)
    .option('--type <type>', 'messages of one type')
    .option('--topic <pattern>', 'messages published to topics that it matches: market_data.*')
    .option('--consumer <consumer>', 'deliveries at role.<role> or agent.<agent id>', consumerName)
    .option('--from <time>', 'messages stored from then on (ISO 8601)', date)
    .option('--to-time <time>', 'messages stored before then', date)
    .option('--state <state>', 'deliveries in this state; may be repeated; all that are open unless given', states)
    .option('--to <consumer>', 'deliver to this role or agent instead: it catches up', consumerName)
    .option('--dry-run', 'only count', false)
    .option('--rate <n>', 'at most so many a second', rate)
    .action(async (options: ReplayCommandOptions) => (await import('./replay.js')).replayMessages(options));
}

function addConsumers(program: Command): void {
  program
    .command('move')
    .description("make what a consumer is owed, and is subscribed to, another one's: for a role that changed its name")
    .argument('<from>', 'role.<role> or agent.<agent id>', consumerName)
    .argument('<to>', 'role.<role> or agent.<agent id>', consumerName)
    .option('--dead', 'its dead letters too: they begin anew', false)
    .option('--keep-subscriptions', 'what is published from now on stays owed to it', false)
    .option('--dry-run', 'only count', false)
    .option('--rate <n>', 'at most so many a second', rate)
    .action(async (from: string, to: string, options: MoveOptions) =>
      (await import('./consumers.js')).moveDeliveries(from, to, options),
    );
  const subscriptions = program.command('subscriptions').description('what consumers are subscribed to');
  subscriptions
    .command('list')
    .description('list them, those that have ended and why included')
    .option('--consumer <consumer>', 'of role.<role> or agent.<agent id>', consumerName)
    .option('--json', 'as JSON', false)
    .action(async (options: SubscriptionsOptions) => (await import('./consumers.js')).listSubscriptions(options));
  subscriptions
    .command('end')
    .description('end one, until an instance that declares it starts')
    .argument('<consumer>', 'role.<role> or agent.<agent id>', consumerName)
    .argument('<pattern>')
    .action(async (consumer: string, pattern: string) =>
      (await import('./consumers.js')).unsubscribe(consumer, pattern),
    );
}

function addQueues(program: Command): void {
  const queues = program.command('queues').description('queues at RabbitMQ whose arguments differ from the settings');
  queues
    .command('list')
    .description('list the queues of all that are known, and in what they differ')
    .argument('[consumer...]', 'role.<role> or agent.<agent id>', consumerNames)
    .option('--json', 'as JSON', false)
    .action(async (consumers: string[] = [], options: QueuesOptions) =>
      (await import('./queues.js')).listQueues(consumers, options),
    );
  queues
    .command('migrate')
    .description('make those anew that differ, without loss, while agents run or not')
    .argument('[consumer...]', 'role.<role> or agent.<agent id>', consumerNames)
    .action(async (consumers: string[] = []) => (await import('./queues.js')).migrateQueues(consumers));
}

function addDeadLetters(program: Command): void {
  const letters = program.command('dead-letters').description('messages that could not be handled');
  letters
    .command('list')
    .description('list them, oldest first')
    .option('--type <type>', 'of one type')
    .option('--consumer <consumer>', 'at role.<role> or agent.<agent id>', consumerName)
    .option('--limit <n>', 'so many messages, 1 to 1000', listLimit, 100)
    .option('--after <id>', 'those after this message')
    .option('--discarded', 'those that were discarded too', false)
    .option('--json', 'as JSON', false)
    .action(async (options: ListOptions) => (await import('./dead-letters.js')).listDeadLetters(options));
  letters
    .command('show')
    .description('show one with its errors, attempts and payload')
    .argument('<id>')
    .option('--json', 'as JSON', false)
    .action(async (id: string, options: ShowOptions) => (await import('./dead-letters.js')).show(id, options));
  letters
    .command('requeue')
    .description('put them on their way again, with all their attempts')
    .argument('[id]')
    .option('--consumer <consumer>', 'at role.<role> or agent.<agent id> alone', consumerName)
    .option('--payload <json>', 'send a new message with this payload in its place; @<file> reads a file')
    .option('--all', 'all that --type and --consumer leave, instead of one', false)
    .option('--type <type>', 'with --all: of one type')
    .option('--rate <n>', 'with --all: at most so many a second', rate)
    .option('--dry-run', 'with --all: only count', false)
    .action(async (id: string | undefined, options: RequeueOptions) =>
      (await import('./dead-letters.js')).requeue(id, options),
    );
  letters
    .command('discard')
    .description('mark one as needing nobody any more')
    .argument('<id>')
    .requiredOption('--reason <text>', 'why')
    .option('--consumer <consumer>', 'at role.<role> or agent.<agent id> alone', consumerName)
    .action(async (id: string, options: DiscardOptions) =>
      (await import('./dead-letters.js')).discardDeadLetters(id, options),
    );
}
