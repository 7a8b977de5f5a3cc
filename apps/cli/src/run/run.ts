import { CoordinatorModule, CsvFile } from 'agentmq/apps/coordinator';
import { MonitorModule } from 'agentmq/apps/monitor';
import { SpecialistModule } from 'agentmq/apps/specialist';
import { WorkerModule } from 'agentmq/apps/worker';
import { AnalysisSummary } from 'agentmq/contracts';
import { contractOf, readPayload } from 'agentmq/protocol';
import type { Store, TraceSummary } from 'agentmq/message-store';
import { buildReport, checkWritable, renderReport, writeReport } from '../report/index.js';
import { ConsoleAgent } from './console.agent.js';
import { ConsoleModule } from './console.module.js';
import { ProgressDisplay } from './progress.js';
import { runSettings } from './run-settings.js';
import { Team } from './team.js';

const SPECIALISTS = 2;

export interface RunInput {
  /** A CSV file; `-` is the standard input. */
  readonly input: string;
  /** Workers. */
  readonly agents: number;
  /** Where report.json goes. */
  readonly output: string;
  /** Stop at the first row that can't be parsed. */
  readonly strict: boolean;
}

/**
 * Starts a coordinator, specialists, a monitor and workers in this process, has them analyse a file, prints the report
 * and writes it. Rejects with `CsvInputError` (the file), `OutputError` (the report), `SettingsError`, `StoreDirectoryError`, or
 * what the agents answered.
 */
export async function run(options: RunInput): Promise<void> {
  const table = await CsvFile.open(options.input);
  try {
    await checkWritable(options.output);
    await analyse(table, options);
  } finally {
    await table.close();
  }
}

async function analyse(table: CsvFile, { input, agents, output, strict }: RunInput): Promise<void> {
  const settings = runSettings();
  const progress = new ProgressDisplay(table.size);
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
    await team.add('coordinator', (options) => CoordinatorModule.forRoot({ ...options, allowedFile: table }));
    const person = await team.add('console', (options) => ConsoleModule.forRoot(options, progress));
    const analysis = person.get(ConsoleAgent).analyse(team.idOf('coordinator'), input, strict);
    const { taskId, result } = await Promise.race([analysis, team.broken]);
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
async function sumUp(store: Store, taskId: string): Promise<TraceSummary> {
  const task = await store.history.find(taskId);
  if (!task) throw new Error(`task ${taskId} is not in the store`);
  return store.history.trace(task.message);
}

const summaryOf = (result: unknown): AnalysisSummary =>
  readPayload(contractOf(AnalysisSummary), { runId: 'run', ...(result as object) });
