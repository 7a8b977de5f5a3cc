import type { Command } from 'commander';
import { type JsonOption, type ListOptions, withExamples, withJson, withPaging } from '../command/options.js';
import { consumerNames } from '../command/parsers.js';
import type { AuditOptions } from './audit.js';

/** Adds what shows the system as it is: its agents, what waits, which agent leads, its queues, what operators have changed. */
export function addSystemCommands(program: Command): void {
  withExamples(
    withJson(
      program
        .command('overview')
        .summary('what the system does now')
        .description('Show what the system does now: rates, latency, backlog, agents, leaders, tasks.')
        .action(async (options: JsonOption) => (await import('./overview.js')).showOverview(options)),
    ),
    { 'watch -n 2 agentmq overview': 'again every 2 s' },
  );
  withExamples(
    withJson(
      program
        .command('health')
        .summary('whether the system, or an app, is well')
        .description(
          'Show whether the system is well, as the database tells it; or how an app says it is. Ends with 1 if not.',
        )
        .argument('[address]', 'of an app: http://127.0.0.1:3000')
        .action(async (address: string | undefined, options: JsonOption) =>
          (await import('./health.js')).showHealth(address, options),
        ),
    ),
    { 'agentmq health': 'of the system', 'agentmq health 127.0.0.1:3000': 'of one app' },
  );
  addAgents(program);
  const consumers = program
    .command('consumers')
    .description('what waits at each role and agent, and what is dead there')
    .action(async (options: ListOptions) => (await import('./consumers.js')).listConsumers(options));
  withExamples(withPaging(consumers), { 'agentmq consumers': '' });
  const leader = program
    .command('leader')
    .description('which agent leads which group')
    .action(async (options: ListOptions) => (await import('./consumers.js')).listLeaders(options));
  withExamples(withPaging(leader), { 'agentmq leader --json': 'for scripts' });
  addQueues(program);
  withExamples(
    withPaging(
      program
        .command('audit')
        .description('what operators have changed, newest first')
        .option('--by <name>', 'by one person or program')
        .option('--action <action>', 'of one kind: dead-letters.requeue')
        .option('--target <target>', 'of one thing')
        .action(async (options: AuditOptions) => (await import('./audit.js')).listAudit(options)),
    ),
    { 'agentmq audit --action replay': '' },
  );
}

function addAgents(program: Command): void {
  const agents = program.command('agents').description('the agents on record: list them, or show one');
  const list = agents
    .command('list', { isDefault: true })
    .description('list them; those that have stopped come last')
    .action(async (options: ListOptions) => (await import('./agents.js')).listAgents(options));
  withExamples(withPaging(list), { 'agentmq agents': 'all, with state, load and version' });
  withExamples(
    withJson(
      agents
        .command('show')
        .description('show one with what it handles, its circuits and groups')
        .argument('<id>')
        .action(async (id: string, options: JsonOption) => (await import('./agents.js')).showAgent(id, options)),
    ),
    { 'agentmq agents show worker-1': '' },
  );
}

function addQueues(program: Command): void {
  const queues = program.command('queues').description('queues at RabbitMQ, and in what they differ from the settings');
  const list = queues
    .command('list', { isDefault: true })
    .description('list the queues of all that are known')
    .argument('[consumer...]', 'role.<role> or agent.<agent id>', consumerNames)
    .action(async (consumers: string[] = [], options: JsonOption) =>
      (await import('./queues.js')).listQueues(consumers, options),
    );
  withExamples(withJson(list), { 'agentmq queues list role.worker': 'of one role' });
  withExamples(
    queues
      .command('migrate')
      .description('make those anew that differ, without loss, while agents run or not')
      .argument('[consumer...]', 'role.<role> or agent.<agent id>', consumerNames)
      .action(async (consumers: string[] = []) => (await import('./queues.js')).migrateQueues(consumers)),
    { 'agentmq queues migrate role.worker': 'of one role' },
  );
}
