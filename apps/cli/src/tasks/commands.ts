import { type Command, Option } from 'commander';
import { type JsonOption, type ListOptions, withExamples, withJson, withPaging } from '../command/options.js';
import { date, destination, time, wholeNumber } from '../command/parsers.js';
import type { RunsOptions } from './pipelines.js';
import type { ProposalsOptions } from './proposals.js';
import type { CancelOptions, SubmitOptions, TasksOptions } from './tasks.js';

const TASK_STATES = ['queued', 'assigned', 'running', 'completed', 'failed', 'cancelled'];
const RUN_STATES = ['running', 'completed', 'failed', 'cancelled'];
const PROPOSAL_STATES = ['open', 'approved', 'rejected', 'no_quorum'];

/** Adds what is done with tasks, and what shows pipelines and decisions. */
export function addTaskCommands(program: Command): void {
  const tasks = program.command('tasks').description('tasks: list, show, submit, cancel and retry them');
  const list = tasks
    .command('list', { isDefault: true })
    .description('list them, newest first')
    .addOption(new Option('--state <state>', 'in this state; running: begun by an agent, too').choices(TASK_STATES))
    .option('--type <type>', 'of one type')
    .option('--agent <id>', 'with this agent, or with it last')
    .option('--parent <id>', 'parts of this task')
    .option('--from <time>', 'submitted after then (ISO 8601)', date)
    .option('--before <time>', 'submitted before then', date)
    .action(async (options: TasksOptions) => (await import('./tasks.js')).listTasks(options));
  withExamples(withPaging(list), { 'agentmq tasks list --state failed': 'what has failed' });
  const show = tasks
    .command('show')
    .description('show one with its attempts, its parts and its result')
    .argument('<id>')
    .action(async (id: string, options: JsonOption) => (await import('./tasks.js')).showTask(id, options));
  withExamples(withJson(show), { 'agentmq tasks show <id>': '' });
  const tree = tasks
    .command('tree')
    .description('show one with its parts, their parts and so on, and their times')
    .argument('<id>')
    .action(async (id: string, options: JsonOption) => (await import('./tasks.js')).showTaskTree(id, options));
  withExamples(withJson(tree), { 'agentmq tasks tree <id>': '' });
  const types = tasks
    .command('types')
    .description('the types that agents carry out now; required fields have a *')
    .action(async (options: JsonOption) => (await import('./tasks.js')).listTaskTypes(options));
  withExamples(withJson(types), { 'agentmq tasks types --json': 'with the JSON Schema of each' });
  addTaskChanges(tasks);
  addDecisions(program);
}

function addTaskChanges(tasks: Command): void {
  const submit = tasks
    .command('submit')
    .description('submit one; its id is printed')
    .argument('<type>')
    .argument('<payload>', 'JSON; @<file> reads a file, - the standard input')
    .option('--version <n>', 'of its contract; the highest that an agent carries out unless given', wholeNumber(1, 1e9))
    .option('--to <destination>', 'role.<role>, agent.<agent id> or capability.<name>', destination)
    .option('--priority <n>', '0 to 10; 5 unless given', wholeNumber(0, 10))
    .option('--deadline <time>', 'it fails unless it is done by then: 30s, 5m, 2h', time)
    .option('--idempotency-key <key>', 'submitted once, however often this is run')
    .option('--wait', 'wait for the result, and print it as JSON', false)
    .action(async (type: string, payload: string, options: SubmitOptions) =>
      (await import('./tasks.js')).submitTask(type, payload, options),
    );
  withExamples(withJson(submit), {
    'agentmq tasks submit resize \'{"file":"a.png"}\'': '',
    'agentmq tasks submit resize @payload.json --wait': 'prints its result',
  });
  const cancel = tasks
    .command('cancel')
    .description('cancel one and everything below it')
    .argument('<id>')
    .option('--reason <text>', 'why', 'cancelled on the command line')
    .action(async (id: string, options: CancelOptions) => (await import('./tasks.js')).cancelTask(id, options));
  withExamples(cancel, { "agentmq tasks cancel <id> --reason 'not needed'": '' });
  const retry = tasks
    .command('retry')
    .description('queue one anew that has failed, or was cancelled')
    .argument('<id>')
    .action(async (id: string) => (await import('./tasks.js')).retryTask(id));
  withExamples(retry, { 'agentmq tasks retry <id>': '' });
}

function addDecisions(program: Command): void {
  const proposals = program.command('proposals').description('what agents decide by votes: list, or show one');
  const list = proposals
    .command('list', { isDefault: true })
    .description('list them, newest first')
    .addOption(new Option('--state <state>', 'in this state').choices(PROPOSAL_STATES))
    .action(async (options: ProposalsOptions) => (await import('./proposals.js')).printProposals(options));
  withExamples(withPaging(list), { 'agentmq proposals list --state open': '' });
  const show = proposals
    .command('show')
    .description('show one with each vote')
    .argument('<id>')
    .action(async (id: string, options: JsonOption) => (await import('./proposals.js')).showProposal(id, options));
  withExamples(withJson(show), { 'agentmq proposals show <id>': '' });
  const pipelines = program.command('pipelines').description('runs of pipelines: list them, or show one');
  const runs = pipelines
    .command('list', { isDefault: true })
    .description('list them, newest first')
    .option('--pipeline <name>', 'of one pipeline')
    .addOption(new Option('--state <state>', 'in this state').choices(RUN_STATES))
    .action(async (options: RunsOptions & ListOptions) => (await import('./pipelines.js')).printRuns(options));
  withExamples(withPaging(runs), { 'agentmq pipelines list --state running': '' });
  const run = pipelines
    .command('show')
    .description('show one with its stages and their times')
    .argument('<id>')
    .action(async (id: string, options: JsonOption) => (await import('./pipelines.js')).showRun(id, options));
  withExamples(withJson(run), { 'agentmq pipelines show <id>': '' });
}
