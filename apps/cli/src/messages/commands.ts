import type { Command } from 'commander';
import type { JsonOption } from '../command/options.js';
import { withExamples, withJson, withPaging } from '../command/options.js';
import { consumerName, date, key, messageState, traceId } from '../command/parsers.js';
import type { SearchOptions } from './messages.js';

/** Adds what finds messages, and tells what became of them. */
export function addMessageCommands(program: Command): void {
  const messages = program.command('messages').description('stored messages: find them, or show one');
  const list = messages
    .command('list', { isDefault: true })
    .description('find messages, newest first; all that is given must hold')
    .option('--key <field=value>', 'with this value in a field that the contract marks as a key: order=4711', key)
    .option('--type <type>', 'of one type')
    .option('--consumer <consumer>', 'owed to role.<role> or agent.<agent id>', consumerName)
    .option('--agent <id>', 'that an agent sent, has, or was the last to have')
    .option('--state <state>', 'of a delivery, at --consumer where that is given; or unpublished', messageState)
    .option('--from <time>', 'stored from then on (ISO 8601)', date)
    .option('--before <time>', 'stored before then', date)
    .option('--trace <id>', 'of one flow', traceId)
    .option('--correlation <id>', 'with this correlation id')
    .action(async (options: SearchOptions) => (await import('./messages.js')).searchMessages(options));
  withExamples(withPaging(list), {
    'agentmq messages list --key order=4711': 'what belongs to an order',
    'agentmq messages list --consumer role.worker --state pending': 'what waits there',
  });
  const show = messages
    .command('show')
    .description('show one with its deliveries and its payload')
    .argument('<id>')
    .action(async (id: string, options: JsonOption) => (await import('./messages.js')).showMessage(id, options));
  withExamples(withJson(show), { 'agentmq messages show <id>': '' });
  const explain = program
    .command('explain')
    .summary('tell why a message has not been handled')
    .description('Tell why a message has, or has not, been handled, at each consumer that is owed it.')
    .argument('<id>')
    .action(async (id: string, options: JsonOption) => (await import('./messages.js')).explainMessage(id, options));
  withExamples(withJson(explain), { 'agentmq explain <message id>': '' });
  const trace = program
    .command('trace')
    .summary('show the messages of a flow as a tree')
    .description('Show the messages of a flow as a tree, with times, attempts and outcomes.')
    .argument('<id>', 'of the trace, or of one of its messages')
    .action(async (id: string, options: JsonOption) => (await import('./trace.js')).showTrace(id, options));
  withExamples(withJson(trace), { 'agentmq trace <message id>': '' });
}
