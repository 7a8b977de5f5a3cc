import { randomBytes } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { exitOnSecondSignal, loadSettings } from 'agentmq/agent';
import { openCsv } from 'agentmq/apps/coordinator';
import { AgentMQError, AnalysisSummary, contractOf, validatePayload } from 'agentmq/contracts';
import { buildReport, renderReport, writeReport } from '../report/index.js';
import { ProgressDisplay } from './progress.js';
import { Team } from './team.js';

export interface RunOptions {
  /** A CSV file. */
  readonly input: string;
  /** Workers. */
  readonly agents: number;
  /** Where report.json goes. */
  readonly output: string;
  /** Stop at the first row that can't be parsed. */
  readonly strict: boolean;
}

/** The report can't be written where it was asked for. */
export class OutputError extends AgentMQError {
  readonly code = 'OUTPUT';

  constructor(output: string, options?: ErrorOptions) {
    super(`${output}: can't be written there`, options);
  }
}

/**
 * Starts a coordinator, specialists, a monitor and workers in this process, has them analyse a file, prints the report
 * and writes it. Rejects with `CsvInputError` (the file), `SettingsError`, or what the agents answered.
 */
export async function run({ input, agents, output, strict }: RunOptions): Promise<void> {
  await readable(input);
  await access(dirname(output), constants.W_OK).catch((error: unknown) => {
    throw new OutputError(output, { cause: error });
  });
  const settings = loadSettings(undefined, {
    busType: 'in_memory',
    databaseUrl: '',
    namespace: 'agentmq_run',
    start: 'fail',
  });
  const progress = await ProgressDisplay.of(input);
  process.stderr.write(
    `starting a coordinator, specialists, a monitor and ${agents} ${agents === 1 ? 'worker' : 'workers'}\n`,
  );
  const started = performance.now();
  const team = await Team.start({
    settings,
    suffix: randomBytes(3).toString('hex'),
    workers: agents,
    file: input,
    listener: progress,
  });
  const interrupt = () => {
    process.stderr.write('stopping\n');
    void team.stop().finally(() => process.exit(130));
  };
  exitOnSecondSignal();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const { taskId, result } = await team.console.analyse(team.coordinatorId, input, strict);
    const durationMs = performance.now() - started;
    progress.stop();
    // Once the agents have stopped, all that they completed is on record.
    await team.stopAgents();
    const { messages: sent, completed: received } = await team.sumUp(taskId);
    const report = buildReport({ input, agents, messages: { sent, received }, durationMs }, summaryOf(result));
    await writeReport(output, report);
    process.stdout.write(`${renderReport(report, process.stdout.columns)}\nreport: ${output}\n`);
  } finally {
    progress.stop();
    await team.stop();
  }
}

const summaryOf = (result: unknown): AnalysisSummary =>
  validatePayload(contractOf(AnalysisSummary), { runId: 'run', ...(result as object) });

/** Fails at once for a file that can't be analysed, before anything is started. */
async function readable(input: string): Promise<void> {
  for await (const _ of openCsv(input)) return;
}
