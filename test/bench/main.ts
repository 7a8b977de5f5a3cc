import 'reflect-metadata';
import { Command, InvalidArgumentError, Option } from 'commander';
import { randomNamespace } from '../support/index.js';
import type { Contender, Subject } from './contender.js';
import { agentMq } from './contenders/agentmq.js';
import { brokerAdapter } from './contenders/broker-adapter.js';
import { golevelup } from './contenders/golevelup.js';
import { moleculer } from './contenders/moleculer.js';
import { nestRmq } from './contenders/nest-rmq.js';
import { rawAmqplib } from './contenders/raw-amqplib.js';
import { measureBalancing } from './balancing.js';
import { measureBreaker } from './breaker.js';
import { measureElections } from './election.js';
import { measureHistory } from './history/measure-history.js';
import { measurePipeline } from './pipeline.js';
import { measureRegistry } from './registry.js';
import { measureReplay } from './replay/measure-replay.js';
import { type Load, requestRate, roundTrip, throughput } from './measure.js';
import { measureScaling } from './scaling.js';
import { busyness, surroundings } from './surroundings.js';
import { type Figures, table } from './table.js';
import { measureTakeOver } from './take-over.js';
import { measureTasks } from './tasks.js';
import { Tally } from './tally.js';
import { measureTree } from './tree.js';

const contenders: readonly Contender[] = [rawAmqplib, ...agentMq, brokerAdapter, nestRmq, golevelup, moleculer];

const PREFETCH = 500;
/** Far below the 10,000 messages that a queue of AgentMQ takes. */
const UNHANDLED = 4_000;
const AT_ONCE = 64;

interface Options {
  readonly rounds: number;
  readonly messages: number;
  readonly sending: number;
  readonly only: readonly Contender[];
  readonly history?: number;
  readonly replay?: number;
  readonly election: boolean;
  readonly breaker: boolean;
  readonly scaling: boolean;
  readonly registry?: number;
  readonly takeOver: boolean;
  readonly balancing: boolean;
  readonly pipeline: boolean;
  readonly tree: boolean;
  readonly tasks?: number;
  readonly foreignTraces: boolean;
}

const {
  rounds,
  messages,
  sending,
  only,
  history,
  replay,
  election,
  breaker,
  scaling,
  registry,
  takeOver,
  balancing,
  pipeline,
  tree,
  tasks,
  foreignTraces,
} = new Command('npm run bench --')
  .description('Measures AgentMQ beside raw amqplib and its peers: in one process, in rounds, each round all of them.')
  .option('--rounds <n>', 'how often everything is measured', wholeNumber, 5)
  .option('--messages <n>', 'messages of one measurement; a third as many requests', wholeNumber, 20_000)
  .option('--sending <n>', 'sends under way at once', wholeNumber, 256)
  .option('--only <ids>', `comma-separated, of: ${contenders.map(({ id }) => id).join(', ')}`, chosen, contenders)
  .addOption(
    new Option('--history [messages]', "instead: the store's hot path with so many settled messages and with none")
      .argParser(wholeNumber)
      .preset('10000000'),
  )
  .addOption(
    new Option('--replay [messages]', 'instead: how fast so many messages are replayed that a wiped broker lost')
      .argParser(wholeNumber)
      .preset('100000'),
  )
  .addOption(
    new Option(
      '--registry [agents]',
      'instead: what the heartbeats of so many agents cost, and how fast one more is known',
    )
      .argParser(wholeNumber)
      .preset('200'),
  )
  .option(
    '--election',
    'instead: how fast another process leads when the leader dies, and what deposed ones write',
    false,
  )
  .option('--breaker', 'instead: where requests go when one of three specialists fails, and who sees an error', false)
  .option('--scaling', 'instead: workers that come with a backlog of slow tasks, and go when it is done', false)
  .option('--take-over', 'instead: how fast tasks go on when the leading coordinator, or a worker, is killed', false)
  .option(
    '--tree',
    'instead: work that goes down a tree of 40 agents, with a lead killed, and cancelled at the top',
    false,
  )
  .option('--pipeline', 'instead: runs through four stages of different cost, and what waits between them', false)
  .option('--balancing', 'instead: strategies with four workers, one of which is five times slower', false)
  .addOption(
    new Option('--tasks [tasks]', 'instead: how many tasks that take no time are done in a second, so many at once')
      .argParser(wholeNumber)
      .preset('5000'),
  )
  .option('--foreign-traces', 'with --history: trace ids in no order, as foreign producers may have them', false)
  .parse()
  .opts<Options>();

interface Entrant {
  readonly contender: Contender;
  readonly subject: Subject;
  readonly handled: Tally;
}

const report = (text: string): void => console.log(`${text} (${busyness()})`);

if (election) {
  console.log(await surroundings());
  console.log(await measureElections(report));
} else if (breaker) {
  console.log(await surroundings());
  console.log(await measureBreaker(report));
} else if (scaling) {
  console.log(await surroundings());
  console.log(await measureScaling(report));
} else if (takeOver) {
  console.log(await surroundings());
  console.log(await measureTakeOver(rounds, report));
} else if (pipeline) {
  console.log(await surroundings());
  console.log(await measurePipeline(rounds, report));
} else if (balancing) {
  console.log(await surroundings());
  console.log(await measureBalancing(rounds, report));
} else if (tree) {
  console.log(await surroundings());
  console.log(await measureTree(rounds, report));
} else if (tasks !== undefined) {
  console.log(await surroundings());
  console.log(await measureTasks(tasks, rounds, report));
} else if (registry !== undefined) {
  console.log(await surroundings());
  console.log(await measureRegistry(registry, report));
} else if (replay !== undefined) {
  console.log(await surroundings());
  console.log(await measureReplay(replay, report));
} else if (history === undefined) await compareContenders();
else {
  console.log(await surroundings());
  console.log(await measureHistory({ stored: history, rounds, messages, foreignTraces, report }));
}

async function compareContenders(): Promise<void> {
  const load: Load = { messages, sending, unhandled: UNHANDLED };
  const entrants: Entrant[] = [];
  const results: Map<string, Figures>[] = [];
  const before = busyness();
  console.log(await surroundings());
  try {
    const namespace = randomNamespace('bench');
    for (const contender of only) {
      const handled = new Tally();
      const subject = await contender.open({ namespace, prefetch: PREFETCH, handled: handled.add });
      entrants.push({ contender, subject, handled });
    }
    for (const entrant of entrants) await measure(entrant, { ...load, messages: Math.ceil(messages / 4) });
    for (let round = 0; round < rounds; round++) {
      const figures = new Map<string, Figures>();
      for (const entrant of turned(entrants, round)) {
        const found = await measure(entrant, load);
        figures.set(entrant.contender.id, found);
        const { rate, cpu, roundTrip, requestRate } = found;
        const text = `${rate.toFixed(0)} msg/s, ${cpu.toFixed(0)} µs, ${roundTrip.toFixed(2)} ms, ${requestRate.toFixed(0)} requests/s`;
        console.log(`round ${round + 1}/${rounds} ${entrant.contender.id}: ${text} (${busyness()})`);
      }
      results.push(figures);
    }
    for (const { subject, handled } of entrants) await subject.check?.(handled.total);
  } finally {
    for (const { subject } of entrants) await subject.close();
  }
  const titles = new Map(only.map(({ id, title }) => [id, title]));
  console.log(
    `\n${rounds} rounds of ${messages} messages, ${sending} sends under way; ${before} before, ${busyness()} after\n`,
  );
  console.log(table(results, titles));
}

async function measure({ subject, handled }: Entrant, load: Load): Promise<Figures> {
  const { rate, cpu } = await throughput(subject, handled, load);
  const requests = Math.ceil(load.messages / 3);
  return {
    rate,
    cpu,
    roundTrip: await roundTrip(subject, Math.ceil(requests / 8)),
    requestRate: await requestRate(subject, requests, AT_ONCE),
  };
}

/** Each round begins with another one, so that nobody always runs in the wake of the same neighbour. */
function turned<T>(list: readonly T[], round: number): T[] {
  const first = round % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new InvalidArgumentError('not a whole number of 1 or more');
  return Number(text);
}

/** The reference is always among them, as the first. */
function chosen(text: string): readonly Contender[] {
  const ids = text.split(',');
  const unknown = ids.find((id) => !contenders.some((contender) => contender.id === id));
  if (unknown !== undefined) throw new InvalidArgumentError(`there is no "${unknown}"`);
  return contenders.filter((contender) => contender === rawAmqplib || ids.includes(contender.id));
}
