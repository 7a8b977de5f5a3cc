import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CoordinatorModule, openCsv } from 'agentmq/apps/coordinator';
import { MonitorModule } from 'agentmq/apps/monitor';
import { SpecialistModule } from 'agentmq/apps/specialist';
import { WorkerModule } from 'agentmq/apps/worker';
import { AgentMQError, AnalysisSummary, contractOf, readPayload } from 'agentmq/contracts';
import type { MessageStore, TraceSummary } from 'agentmq/message-store';
import { buildReport, renderReport, writeReport } from '../report/index.js';
import { ConsoleAgent } from './console.agent.js';
import { ConsoleModule } from './console.module.js';
import { ProgressDisplay } from './progress.js';
import { runSettings } from './run-settings.js';
import { Team } from './team.js';

const SPECIALISTS = 2;

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
  const settings = runSettings();
  const progress = await ProgressDisplay.of(input);
  process.stderr.write(
    `starting a coordinator, specialists, a monitor and ${agents} ${agents === 1 ? 'worker' : 'workers'}\n`,
  );
  const started = performance.now();
  const team = await Team.open(settings);
  try {
    await team.add('monitor', (options) => MonitorModule.forRoot(options));
    for (let n = 1; n <= SPECIALISTS; n++)
      await team.add(`specialist-${n}`, (options) => SpecialistModule.forRoot(options));
    for (let n = 1; n <= agents; n++) await team.add(`worker-${n}`, (options) => WorkerModule.forRoot(options));
    await team.add('coordinator', (options) => CoordinatorModule.forRoot({ ...options, allowedFile: input }));
    const person = await team.add('console', (options) => ConsoleModule.forRoot(options, progress));
    const { taskId, result } = await person.get(ConsoleAgent).analyse(team.idOf('coordinator'), input, strict);
    const durationMs = performance.now() - started;
    progress.stop();
    // Once the agents have stopped, all that they completed is on record.
    await team.stopAgents();
    const { messages: sent, completed: received } = await sumUp(team.store, taskId);
    const report = buildReport({ input, agents, messages: { sent, received }, durationMs }, summaryOf(result));
    await writeReport(output, report);
    process.stdout.write(`${renderReport(report, process.stdout.columns)}\nreport: ${output}\n`);
  } finally {
    progress.stop();
    await team.stop();
  }
}

/** What the flow of a task came to: its messages, and those completed. */
async function sumUp(store: MessageStore, taskId: string): Promise<TraceSummary> {
  const task = await store.find(taskId);
  if (!task) throw new Error(`task ${taskId} is not in the store`);
  return store.trace(task.message);
}

const summaryOf = (result: unknown): AnalysisSummary =>
  readPayload(contractOf(AnalysisSummary), { runId: 'run', ...(result as object) });

/** Fails at once for a file that can't be analysed, before anything is started. */
async function readable(input: string): Promise<void> {
  for await (const _ of openCsv(input)) return;
}
