import type { Command } from 'commander';
import { withExamples, withJson } from '../command/options.js';
import { consumerName, time, wholeNumber } from '../command/parsers.js';
import type { RequestOptions, SendOptions } from './send.js';
import type { SubscribeOptions } from './subscribe.js';

const PAYLOAD = 'JSON; @<file> reads a file, - the standard input';
const CONSUMER = 'role.<role> or agent.<agent id>';
/** As `AgentClient.request` waits. */
const TIMEOUT_MS = 30_000;

/** Adds what sends, asks and hears, as a client that joins for that. It needs the broker, and sends by the database. */
export function addSendCommands(program: Command): void {
  const send = program
    .command('send')
    .summary('send a message to a role or an agent')
    .description(
      'Send a message to a role or an agent. Prints its id once it is stored: from then on it will be delivered.',
    )
    .argument('<to>', CONSUMER, consumerName)
    .argument('<type>', 'of its contract')
    .argument('<payload>', PAYLOAD)
    .action(async (to: string, type: string, payload: string, options: SendOptions) =>
      (await import('./send.js')).sendMessage(to, type, payload, options),
    );
  withExamples(withJson(withSending(send)), {
    'agentmq send role.worker order \'{"order":4711}\'': '',
    'agentmq send agent.worker-1 order @order.json --delay 5m': 'in five minutes',
  });
  const publish = program
    .command('publish')
    .summary('publish a message to a topic')
    .description('Publish a message to a topic. Prints its id once it is stored.')
    .argument('<topic>')
    .argument('<type>', 'of its contract')
    .argument('<payload>', PAYLOAD)
    .action(async (topic: string, type: string, payload: string, options: SendOptions) =>
      (await import('./send.js')).publishMessage(topic, type, payload, options),
    );
  withExamples(withJson(withSending(publish)), { 'agentmq publish orders.placed order \'{"order":4711}\'': '' });
  const request = program
    .command('request')
    .summary('ask a role or an agent, and print its answer')
    .description('Ask a role or an agent, and print its answer as JSON.')
    .argument('<to>', CONSUMER, consumerName)
    .argument('<type>', 'of its contract')
    .argument('<payload>', PAYLOAD)
    .option('--timeout <time>', 'how long to wait: 500ms, 30s, 5m', time, TIMEOUT_MS)
    .action(async (to: string, type: string, payload: string, options: RequestOptions) =>
      (await import('./send.js')).requestAnswer(to, type, payload, options),
    );
  withExamples(withContract(request), { 'agentmq request role.pricing price \'{"symbol":"ACME"}\'': '' });
  const subscribe = program
    .command('subscribe')
    .alias('tail')
    .summary('print what is published to topics from now on')
    .description('Print what is published to topics from now on, a line each, until Ctrl-C. The agents get it as well.')
    .argument('<topic...>', "patterns: 'orders.*', '#'")
    .option('--type <type>', 'of one type')
    .option('--count <n>', 'end after so many', wholeNumber(1, 1e9))
    .action(async (topics: string[], options: SubscribeOptions) =>
      (await import('./subscribe.js')).subscribe(topics, options),
    );
  withExamples(withJson(subscribe), { "agentmq subscribe 'orders.*' --json": 'a JSON object a line' });
}

const withContract = (command: Command): Command =>
  command
    .option('--version <n>', 'of the contract', wholeNumber(1, 1e9), 1)
    .option('--sensitive', 'the contract is sensitive: the payload is sealed (SEALING_KEYS)', false)
    .option('--priority <n>', '0 to 10; 5 unless given', wholeNumber(0, 10))
    .option('--correlation <id>', 'a correlation id');

const withSending = (command: Command): Command =>
  withContract(command)
    .option('--transient', 'do not store it: the contract is declared with durable: false', false)
    .option('--delay <time>', 'not to be delivered before: 30s, 5m, 2h', time)
    .option('--ttl <time>', 'it expires then: 30s, 5m, 2h', time);
