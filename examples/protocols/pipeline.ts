import { readFile } from 'node:fs/promises';
import type { Type } from '@nestjs/common';
import { type Team } from 'agentmq/agent';
import { Agent, Contract, type PayloadClass } from 'agentmq';
import { type PipelineRun, Pipelines, Task } from 'agentmq/coordination';
import { parse } from 'csv-parse/sync';
import { IsArray, IsInt, IsString } from 'class-validator';
import { defaultInput } from './default-input.js';
import { mustEqual, mustHold } from './errors.js';
import { MemberModule } from './member.module.js';
import type { Narrator } from './narrator.js';
import { grouped, readStrikes, totalOf } from './strikes.js';
import { patiently } from './watch.js';

const RUNS = 20;
/** How many runs may be in a stage at once, and how many may wait for it before the one ahead of it pauses. */
const CONCURRENCY = 2;
const BUFFER = 2;

@Contract({ type: 'raw_lines' })
class RawLines {
  /** CSV, with its header. */
  @IsString()
  text!: string;
}

@Contract({ type: 'parsed_rows' })
class ParsedRows {
  /** Speed and cost, as they were written. */
  @IsArray()
  rows!: string[][];
}

@Contract({ type: 'clean_rows' })
class CleanRows {
  /** Speed in knots, and cost in whole dollars, of the rows that have a speed. */
  @IsArray()
  rows!: [number, number][];

  @IsInt()
  dropped!: number;
}

@Contract({ type: 'findings' })
class Findings {
  @IsInt()
  strikes!: number;

  @IsInt()
  dropped!: number;

  /** Of all speeds, in knots. */
  @IsInt()
  knots!: number;

  @IsInt()
  cost!: number;
}

@Contract({ type: 'finished_report' })
class FinishedReport extends Findings {
  @IsString()
  text!: string;
}

/** What one agent has done. */
class StageLog {
  done = 0;
}

interface Stage {
  readonly name: string;
  readonly contract: PayloadClass;
  agentWith(capability: string): Type;
}

function stage<Input extends object>(
  name: string,
  contract: PayloadClass<Input>,
  work: (input: Input) => object,
): Stage {
  const agentWith = (capability: string): Type => {
    @Agent({ role: 'stage', capabilities: [capability], concurrency: CONCURRENCY })
    class StageAgent {
      constructor(private readonly log: StageLog) {}

      @Task(contract)
      carryOut(input: object): object {
        this.log.done++;
        return work(input as Input);
      }
    }
    return StageAgent;
  };
  return { name, contract, agentWith };
}

const STAGES = [
  stage('parse', RawLines, ({ text }): ParsedRows => {
    const rows = parse<Record<string, string>>(text, { columns: true });
    return { rows: rows.map((row) => [row['Speed IAS in knots'] ?? '', row['Cost Total $'] ?? '']) };
  }),
  stage('clean', ParsedRows, ({ rows }): CleanRows => {
    const whole = rows.filter(([speed]) => speed !== '');
    return {
      rows: whole.map(([speed, cost]) => [Number(speed), Number(cost)]),
      dropped: rows.length - whole.length,
    };
  }),
  stage('analyse', CleanRows, ({ rows, dropped }): Findings => {
    const [knots, cost] = [totalOf(rows.map(([speed]) => speed)), totalOf(rows.map(([, paid]) => paid))];
    return { strikes: rows.length, dropped, knots, cost };
  }),
  stage('report', Findings, (findings): FinishedReport => {
    const mean = (findings.knots / Math.max(1, findings.strikes)).toFixed(1);
    return { ...findings, text: `${findings.strikes} strikes at ${mean} knots on average` };
  }),
];

interface Worker {
  readonly name: string;
  readonly stage: Stage;
  readonly log: StageLog;
}

/**
 * Parts of the table go through four stages, each done by agents of its own, several parts at once. Rejects with
 * `ProtocolFailedError` unless each part has gone through all stages in their order, the last one began after the
 * first was finished, and the reports add up to what the whole table has.
 */
export async function pipeline(team: Team, agents: number, narrator: Narrator): Promise<void> {
  const app = await team.add('agent-1', MemberModule.coordinating());
  narrator.tell('agent-1', `coordinates: ${STAGES.map(({ name }) => name).join(' > ')}`);
  const workers: Worker[] = [];
  for (let n = 2; n <= agents; n++) {
    const worker = { name: `agent-${n}`, stage: STAGES[(n - 2) % STAGES.length] as Stage, log: new StageLog() };
    const agent = worker.stage.agentWith(team.idOf(worker.stage.name));
    await team.add(worker.name, MemberModule.of(agent, worker.log));
    narrator.tell(worker.name, `is there to ${worker.stage.name}`);
    workers.push(worker);
  }

  const pipelines = app.get(Pipelines);
  const name = team.idOf('strikes');
  pipelines.define(
    name,
    STAGES.map((each, n) => ({
      name: each.name,
      contract: each.contract,
      to: { capability: team.idOf(each.name) },
      concurrency: CONCURRENCY,
      ...(n > 0 ? { buffer: BUFFER } : {}),
    })),
  );
  const ids = await Promise.all((await partsOfTable()).map((part) => pipelines.start(name, part)));
  narrator.tell('agent-1', `starts ${ids.length} runs, at most ${CONCURRENCY} at once in each stage`);
  const reports = await patiently('all reports', (signal) =>
    Promise.all(ids.map((id) => pipelines.result(id, { answer: FinishedReport, signal }))),
  );

  for (const worker of workers) narrator.tell(worker.name, `has done "${worker.stage.name}" ${worker.log.done} times`);
  const runs = await Promise.all(ids.map(async (id) => (await pipelines.find(id)) as PipelineRun));
  for (const run of runs) checkRun(team, workers, run);
  const ends = runs.map(({ stages }) => stages.at(-1)?.finishedAt?.getTime() ?? Number.NaN);
  const begins = runs.map(({ stages }) => stages[0]?.startedAt?.getTime() ?? Number.NaN);
  mustHold(Math.min(...ends) < Math.max(...begins), 'no run was finished when the last one began');
  const [first] = runs as [PipelineRun];
  const path = first.stages.map(({ agentId }) => team.nameOf(agentId ?? '')).join(' > ');
  narrator.tell('agent-1', `has ${reports.length} reports; the first went ${path}: ${reports[0]?.text}`);
  await checkSums(reports);
  narrator.tell(
    'agent-1',
    `all together: ${grouped(totalOf(reports.map(({ strikes }) => strikes)))} strikes have a speed`,
  );
}

/** CSV texts, each with the header. No field of the table has a line break in it. */
async function partsOfTable(): Promise<RawLines[]> {
  const [header = '', ...lines] = (await readFile(defaultInput(), 'utf8')).trim().split(/\r?\n/);
  const size = Math.ceil(lines.length / RUNS);
  return Array.from({ length: RUNS }, (_, n) => ({
    text: [header, ...lines.slice(n * size, (n + 1) * size)].join('\n'),
  }));
}

/** Each stage by an agent that is there for it, and after the one before it. */
function checkRun(team: Team, workers: readonly Worker[], { id, stages }: PipelineRun): void {
  for (const [n, { name, state, agentId, startedAt }] of stages.entries()) {
    const worker = workers.find((each) => each.name === team.nameOf(agentId ?? ''));
    mustHold(state === 'completed' && worker?.stage.name === name, `run ${id}: "${name}" is ${state}, by ${agentId}`);
    const before = stages[n - 1]?.finishedAt;
    mustHold(!before || (startedAt !== null && startedAt >= before), `run ${id}: "${name}" was begun too early`);
  }
}

async function checkSums(reports: readonly Findings[]): Promise<void> {
  const strikes = await readStrikes();
  const known = strikes.filter(({ speed }) => speed !== undefined);
  const sum = (of: (report: Findings) => number): number => totalOf(reports.map(of));
  mustEqual(
    'strikes with a speed',
    sum((report) => report.strikes),
    known.length,
  );
  mustEqual(
    'strikes without',
    sum((report) => report.dropped),
    strikes.length - known.length,
  );
  mustEqual(
    'knots',
    sum((report) => report.knots),
    totalOf(known.map(({ speed }) => speed ?? 0)),
  );
  mustEqual(
    'dollars',
    sum((report) => report.cost),
    totalOf(known.map(({ cost }) => cost)),
  );
}
