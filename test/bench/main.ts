import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { compareMode } from './compare/compare.js';
import type { Contender } from './compare/contender.js';
import { contenderOf, contenders } from './compare/contenders/index.js';
import { environment, load } from './environment.js';
import type { Found, Mode, ModeOptions } from './mode.js';
import { allModes, fullModes, quickModes, tasksModes } from './modes.js';
import { PostgresServer } from '../support/index.js';
import { writePage } from './page/page.js';
import { countNoStatements, STATEMENTS_SETTINGS } from './statements.js';

interface Options extends Pick<ModeOptions, 'only' | 'quick'> {
  readonly rounds: number;
  readonly messages?: number;
  readonly seconds?: number;
  readonly without: readonly string[];
  readonly tasks: boolean;
  readonly json?: string;
}

const FULL = { messages: 20_000, seconds: 1.5 };
const QUICK = { messages: 6_000, seconds: 0.4 };

const program = new Command('npm run bench --')
  .description('Measures AgentMQ beside amqplib by hand and beside its peers, and what else its speed depends on.')
  .option('--quick', 'in under four minutes: all ratios, from fewer messages', false)
  .option('--tasks', 'tasks alone, in under two minutes with --rounds 3', false)
  .option('--rounds <n>', 'how often everything is measured', wholeNumber, 7)
  .option('--messages <n>', 'the most messages of one measurement; a third as many requests', wholeNumber)
  .option('--seconds <n>', 'how long one measurement takes about; fewer messages where they are slow', seconds)
  .option(
    '--only <ids>',
    `compare alone, with some of: ${contenders.map(({ id }) => id).join(', ')}`,
    chosen,
    contenders,
  )
  .option('--without <modes>', 'comma-separated modes that the whole bench leaves out', (text) => text.split(','), [])
  .option('--json <file>', 'writes environment, measures and ratios there')
  .action(async (options: Options) => {
    const whole = options.tasks ? tasksModes : options.quick ? quickModes : fullModes;
    const modes = program.getOptionValueSource('only') === 'cli' ? [compareMode] : whole;
    await run(
      modes.filter(({ name }) => !options.without.includes(name)),
      options,
    );
  });

for (const mode of allModes) {
  const { name, about, counts } = mode;
  const command = program.command(name).description(about);
  if (counts) command.argument(`[${counts.what}]`, 'how many', wholeNumber, counts.standard);
  command.action((...given: unknown[]) => run([mode], program.opts<Options>(), counts && Number(given[0])));
}

program
  .command('page')
  .description('fills docs/BENCHMARKS.md and its plot from what --json has written, of one Node or of several')
  .argument('<files...>')
  .action(writePage);

await program.parseAsync();
process.exit();

/** The database is one of the bench's own, so that nothing else uses it, and it has connections for all that are open at once. */
async function run(modes: readonly Mode[], options: Options, count?: number): Promise<void> {
  const postgres = await PostgresServer.start({
    fsync: true,
    settings: { max_connections: '400', ...STATEMENTS_SETTINGS },
  });
  process.env['DATABASE_URL'] = postgres.url;
  try {
    await countNoStatements();
    await runAll(modes, options, count);
  } finally {
    await postgres.stop();
  }
}

async function runAll(modes: readonly Mode[], options: Options, count?: number): Promise<void> {
  const standard = options.quick ? QUICK : FULL;
  const before = await environment();
  const { date: _, packages, servers, ...machine } = before;
  console.log(JSON.stringify({ ...machine, ...servers, ...packages }).replaceAll('"', ''));
  const found: Found[] = [];
  for (const mode of modes) {
    const report = (text: string): void => console.log(`${text} (load ${load()})`);
    const modeOptions = { ...standard, ...options, count: count ?? mode.counts?.standard ?? Number.NaN, report };
    const each = await mode.run(modeOptions);
    console.log(`\n${mode.name}: ${mode.about}\n\n${each.text}\n`);
    found.push(each);
    const results = {
      environment: { ...before, loadAfter: load(), command: process.argv.slice(2).join(' ') },
      measures: Object.assign({}, ...found.map(({ measures }) => measures)) as Found['measures'],
      ratios: Object.assign({}, ...found.map(({ ratios }) => ratios)) as Found['ratios'],
    };
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, undefined, 2)}\n`);
    else if (mode === modes.at(-1)) console.log(results.ratios);
  }
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new InvalidArgumentError('not a whole number of 1 or more');
  return Number(text);
}

function seconds(text: string): number {
  if (!(Number(text) > 0)) throw new InvalidArgumentError('not a number above 0');
  return Number(text);
}

/** The reference is always among them, as the first. */
function chosen(text: string): readonly Contender[] {
  const ids = new Set(['raw', ...text.split(',')]);
  try {
    return [...ids].map(contenderOf);
  } catch (error) {
    throw new InvalidArgumentError(String(error));
  }
}
